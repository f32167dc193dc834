import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { Agent, AgentVersion } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { VersionDialog } from '../../shared/ui/version-dialog';
import { VersionList } from '../../shared/ui/version-list';
import { tidy } from './sop';

const told = (each: AgentVersion): AgentVersion => ({ ...each, config: tidy(each.config) });

export interface Release {
  version: string;
  comment: string;
  then: () => void;
}

/** Every version that an agent has had; what two of them do not share; and the way back to one of them. */
@Component({
  selector: 'aos-agent-versions',
  imports: [Difference, ProblemNote, TranslocoDirective, VersionDialog, VersionList],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="retry.emit()" />
        }
      }
      <aos-version-list
        #list
        [label]="t('agents.tab.versions')"
        [versions]="versions()"
        [present]="agent().version"
        [canAsk]="mayRelease()"
        [actionOf]="actionOf"
        [hasMore]="hasMore()"
        (more)="more.emit()"
        (asked)="ask($event)"
      />
      @if (pair(); as pair) {
        <section>
          <h2>
            {{ t('versions.between', { a: pair.before.version, b: pair.after.version }) }}
          </h2>
          <aos-difference
            [before]="pair.before.config"
            [after]="pair.after.config"
            [beforeLabel]="t('versions.n', { n: pair.before.version })"
            [afterLabel]="t('versions.n', { n: pair.after.version })"
          />
        </section>
      }
      @if (wanted(); as wanted) {
        <aos-version-dialog
          [title]="t('agents.releaseTitle', { name: agent().name, n: wanted.version })"
          [action]="t(isOlder(wanted) ? 'agents.rollBack' : 'agents.release')"
          [before]="present()"
          [after]="wanted.config"
          [beforeLabel]="t('versions.n', { n: agent().version })"
          [afterLabel]="t('versions.n', { n: wanted.version })"
          [call]="releasing()"
          (confirmed)="release(wanted.version, $event)"
          (closed)="wantedVersion.set(null)"
        >
          <p>{{ t('agents.releaseHelp') }}</p>
        </aos-version-dialog>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 14px;
      max-width: 960px;
    }
    section {
      display: flex;
      flex-direction: column;
      gap: 10px;
    }
  `,
})
export class AgentVersions {
  private readonly transloco = inject(TranslocoService);
  readonly agent = input.required<Agent>();
  readonly versions = input.required<readonly AgentVersion[]>();
  readonly call = input.required<Call>();
  readonly hasMore = input(false);
  readonly mayRelease = input(false);
  readonly releasing = input.required<Call>();
  readonly more = output();
  readonly retry = output();
  readonly released = output<Release>();

  protected readonly wantedVersion = signal<string | null>(null);
  protected readonly wanted = computed(() => {
    const wanted = this.versions().find(({ version }) => version === this.wantedVersion());
    return wanted ? told(wanted) : null;
  });
  protected readonly present = computed(() => tidy(this.agent().config));
  private readonly list = viewChild<VersionList<AgentVersion>>('list');
  protected readonly pair = computed(() => {
    const pair = this.list()?.pair();
    return pair ? { before: told(pair.before), after: told(pair.after) } : null;
  });

  constructor() {
    effect(() => {
      if (this.wantedVersion() === this.agent().version) this.wantedVersion.set(null);
    });
  }

  protected readonly actionOf = (version: string): string =>
    this.transloco.translate(this.isOlder({ version }) ? 'agents.rollBack' : 'agents.release');
  protected isOlder({ version }: Pick<AgentVersion, 'version'>): boolean {
    return Number(version) < Number(this.agent().version);
  }
  protected ask(version: string): void {
    this.wantedVersion.set(version);
  }
  protected release(version: string, comment: string): void {
    this.released.emit({
      version,
      comment,
      then: () => this.wantedVersion.set(null),
    });
  }
}
