import type { LaunchTemplate, RegisterServer } from '@aos/contracts';
import {
  type Limits,
  type SignIn,
  limitFaults,
  noLimits,
  noSignIn,
  signInFaults,
  toAuth,
  toLimits,
} from './sign-in';

/** What is typed into the dialog; the registration is made from it. */
export interface Draft {
  name: string;
  transport: RegisterServer['transport'];
  url: string;
  templateId: string;
  packageName: string;
  /** One a line, so that one with spaces needs no quotes. */
  args: string;
  description: string;
  signIn: SignIn;
  limits: Limits;
  timeoutSeconds: string;
  idempotentTools: readonly string[];
}

export const freshDraft: Draft = {
  name: '',
  transport: 'stdio',
  url: '',
  templateId: '',
  packageName: '',
  args: '',
  description: '',
  signIn: noSignIn,
  limits: noLimits,
  timeoutSeconds: '',
  idempotentTools: [],
};

export type DraftFaults = Partial<Record<keyof Draft, string>>;

const names = /^[a-z][a-z0-9_-]{0,39}$/;
const packages = /^(?:@[a-z0-9][\w.~-]*\/)?[a-z0-9][\w.~-]*(?:@[\w.+^~-]{1,64})?$/i;

/** Keys of words by field. What only the server can know, it says at the trial. */
export function draftFaults(draft: Draft, template: LaunchTemplate | undefined): DraftFaults {
  const faults: DraftFaults = {};
  if (!names.test(draft.name)) faults.name = 'nameFault';
  else if (draft.name.startsWith('agent-')) faults.name = 'agentName';
  if (draft.transport === 'stdio') {
    if (!template) faults.templateId = 'templateFault';
    else if (template.kind === 'package' && !packages.test(draft.packageName))
      faults.packageName = 'packageFault';
  } else if (!isWeb(draft.url)) faults.url = 'urlFault';
  if (draft.timeoutSeconds !== '') {
    const seconds = Number(draft.timeoutSeconds);
    if (!(seconds >= 0.1 && seconds <= 600)) faults.timeoutSeconds = 'timeoutFault';
  }
  if (Object.keys(signInFaults(draft.signIn)).length > 0) faults.signIn = 'signIn';
  if (limitFaults(draft.limits).length > 0) faults.limits = 'limits.fault';
  return faults;
}

function isWeb(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol);
  } catch {
    return false;
  }
}

export const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

export function toRegistration(draft: Draft, template: LaunchTemplate | undefined): RegisterServer {
  const { transport } = draft;
  const auth = toAuth(draft.signIn);
  const limits = toLimits(draft.limits);
  const route =
    transport === 'stdio'
      ? {
          command: template?.command ?? '',
          args: [
            ...(template?.args ?? []),
            ...(template?.kind === 'package' ? [draft.packageName.trim()] : []),
            ...linesOf(draft.args),
          ],
        }
      : { url: draft.url.trim() };
  return {
    name: draft.name,
    transport,
    ...route,
    ...(draft.description.trim() && { description: draft.description.trim() }),
    ...(auth && { auth }),
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(draft.timeoutSeconds && { timeoutMs: Math.round(Number(draft.timeoutSeconds) * 1000) }),
    ...(draft.idempotentTools.length > 0 && { idempotentTools: [...draft.idempotentTools] }),
  };
}
