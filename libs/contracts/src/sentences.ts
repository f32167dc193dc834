import type { Said } from './said.js';

/**
 * What the server says to people, by code. A sentence leaves the server twice: in English (`summary`, `reason`,
 * `says`, `why`, `message`), for whoever reads the API, and beside it as `said`, the code with what fills its blanks,
 * from which the console makes the sentence in its own language. Whoever does not know a code shows the English.
 *
 * A code keeps its blanks for good: rows of years ago are read by the console of today. A sentence that wants other
 * blanks is another code.
 */
export const sentences = {
  // Parts of sentences.
  more: '{{count}} more',
  everywhere: 'everywhere',
  'in-project': 'in project {{project}}',
  'role-where': '{{role}} {{where}}',
  'role-owner': 'owner',
  'role-admin': 'admin',
  'role-operator': 'operator',
  'role-viewer': 'viewer',
  'status-scheduled': 'scheduled',
  'status-queued': 'queued',
  'status-running': 'running',
  'status-waiting': 'waiting',
  'status-succeeded': 'succeeded',
  'status-failed': 'failed',
  'status-cancelled': 'cancelled',

  // A task, from its acceptance to its receipt.
  'job-is': 'Job {{job}} is {{status}}.',
  'job-cancelled': '{{who}} cancelled job {{job}}.',
  'job-cancel-asked': '{{who}} asked to cancel job {{job}}.',
  'task-accepted': '{{what}} for {{who}}; it {{when}}{{agent}}.',
  'task-new': 'Accepted “{{goal}}”',
  'task-again': 'Job {{job}} runs again',
  'starts-at-once': 'starts at once',
  'starts-at': 'will start at {{at}}',
  'with-agent': ' with the agent {{agent}}',
  'goal-read': 'The goal was read. Inputs: {{inputs}}; tools: {{tools}}.',
  'goal-read-by': '{{agent}} has read the goal. Inputs: {{inputs}}; tools: {{tools}}.',
  'memory-recalled': 'What is remembered was given to the model ({{count}}): {{about}}.',
  'plan-made': 'The plan has {{count}} steps: {{steps}}.',
  'plan-made-one': 'The plan has 1 step: {{steps}}.',
  'plan-cut': 'The plan has {{count}} steps: {{steps}}….',
  'model-failed': 'The language model gave no plan that can run: {{why}}',
  'plan-needed':
    'The goal could not be planned without a language model: {{needs}}. Give steps, choose an agent with a standard way of work (SOP), name known skills and files (for example "profile data.csv"), or configure a model in the settings.',
  'plan-needed-model-failed':
    'The goal could not be planned: the language model failed, and without it {{needs}}. Give steps, name known skills and files, or mend the model in the settings.',
  'plan-invalid': 'The plan has {{count}} faults and was not started: {{faults}}.',
  'plan-invalid-one': 'The plan has one fault and was not started: {{faults}}.',
  'plan-fault': '{{path}}: {{what}}',
  'and-then': '{{first}}; {{rest}}',
  'plan-over-budget':
    'The plan has {{count}} steps to run, and the budget maxSteps allows {{most}}; nothing was started. Raise it, or split the task.',
  'steps-begin': '{{count}} of {{total}} steps are to be run, up to {{atOnce}} side by side.',
  'step-calls': 'Step {{step}} calls {{tool}}.',
  'step-done': 'Step {{step}} ({{tool}}) is done.',
  'step-failed': 'Step {{step}} failed: {{why}}',
  'step-skipped-for-need':
    'Step {{step}} was skipped: it needs the result of {{missing}}, which was skipped.',
  'step-skipped-by': 'Step {{step}} was skipped: {{why}}.',
  'step-skipped-by-plan': 'Step {{step}} failed and was skipped, as the plan allows: {{why}}',
  'without-it': '{{who}} decided to go on without it',
  'without-it-because': '{{who}} decided to go on without it: {{comment}}',
  milestone: 'Step {{done}} of {{total}} is done: {{step}} {{what}}.',
  'kept-rows': 'kept {{kept}} of {{count}} rows',
  'read-rows': 'read {{count}} rows',
  'made-files': 'made {{files}}',
  'did-both': '{{first}} and {{then}}',
  'has-answered': '({{tool}}) has answered',
  'steps-reviewed': '{{done}} of {{total}} steps are done.',
  'steps-reviewed-but': '{{done}} of {{total}} steps are done; {{findings}}.',
  'review-ends': '{{steps}} failed; the run ends here.',
  'review-tries-again': '{{steps}} failed; trying again.',
  'goal-doubted': 'All steps ran, but the review doubts that the goal was met: {{comment}}',
  'steps-all-done': 'All {{count}} steps are done.',
  'steps-all-done-one': 'The step is done.',
  'steps-some-done': '{{done}} of {{total}} steps are done.',
  'steps-were-done': '{{done}} of {{total}} steps were done.',
  'files-ready': '{{count}} files are ready: {{files}}.',
  'files-ready-one': 'One file is ready: {{files}}.',
  'rows-unparsed': '{{count}} rows could not be parsed.',
  'rows-unparsed-one': '1 row could not be parsed.',
  'without-step': 'Without {{step}}: {{why}}.',
  'task-cancelled': 'The task was cancelled.',
  'task-cancelled-because': 'The task was cancelled: {{why}}',
  'task-failed': 'The task failed.',
  'of-step': 'Step {{step}}: {{what}}',
  whole: '{{what}}{{stop}}',
  stop: '.',
  'as-it-is': '{{what}}',
  'run-stopped': 'The run was stopped. {{why}}',
  'artifact-stored': '{{name}} was stored ({{bytes}} bytes).',

  // What a goal lacks to be read without a language model.
  'goal-empty': 'the goal is empty',
  'goal-no-skill': '"{{part}}" names no skill that is known',
  'goal-file-alone': '"{{part}}" is not understood; {{skill}} takes a file and nothing else',
  'goal-file-after': '"{{part}}" is not understood; after {{tool}} a file may follow',
  'goal-by-what': '"plot {{part}}" does not say by what; for example: plot strikes by month',
  'goal-which-date':
    '"by {{part}}" does not say which column holds the date; for example: by {{bucket}} of "{{column}}"',
  'goal-no-column': '{{file}} has no column "{{column}}"',
  'goal-no-column-among': '{{file}} has no column "{{column}}"; it has {{columns}}',
  'goal-report-on-what':
    'a report needs something to report on; for example: profile data.csv and write a report',
  'goal-no-file': 'no file is attached; attach one as an input',
  'goal-no-file-for': 'no file is attached; attach one as an input for "{{part}}"',
  'goal-other-file': '"{{part}}" names none of the attached files ({{files}})',

  // What is wrong with a plan.
  'more-left-out': '{{count}} more are left out',
  'step-id-twice': '"{{step}}" is the id of {{other}} already',
  'unknown-of': 'there is no {{what}}',
  'unknown-of-near': 'there is no {{what}} (did you mean "{{near}}"?)',
  'a-step': 'step "{{name}}"',
  'a-tool': 'tool "{{name}}"',
  'an-input': 'input "{{name}}"',
  'a-variable': 'variable "{{name}}" in the project',
  'a-secret': 'secret "{{name}}" in the env of the task',
  'tool-not-of-agent': '"{{tool}}" is not among the tools of the agent',
  'steps-in-circle': 'the steps wait for each other: {{circle}}',
  'variable-secret':
    'the variable "{{name}}" stands for the secret "{{secret}}", which is not in the env of the task',
  'reference-none':
    '{{text}} is not a reference: write {{forms}} or {{secret}}, or {{escape}} for a literal {{literal}}',
  'reference-forbidden': '{{text}} is not allowed',
  'reference-no-parts': '{{text}}: {{name}} has no parts to refer to',
  'reference-tail': '{{text}}: after {{name}} only .field and [number] may follow',
  'reference-open': 'a {{opening}} has no closing }',
  'reference-no-value': '{{text}}: there is no value for {{name}}',
  'reference-no-item': '{{text}}: {{at}} has no item {{item}}',
  'reference-no-field': '{{text}}: {{at}} has no field "{{field}}"',
  'nested-deep': 'is nested deeper than {{most}} levels',
  'key-forbidden': 'the key {{key}} is not allowed',

  // What in arguments does not fit the schema of their tool.
  'schema-unknown-key': 'has an unknown key "{{key}}"',
  'schema-lacks': 'lacks "{{key}}"',
  'schema-one-of': 'must be one of {{values}}',
  'schema-type': 'must be {{type}}',
  'schema-limit': 'must be {{comparison}} {{limit}}',
  'schema-few-characters': 'must NOT have fewer than {{limit}} characters',
  'schema-many-characters': 'must NOT have more than {{limit}} characters',
  'schema-few-items': 'must NOT have fewer than {{limit}} items',
  'schema-many-items': 'must NOT have more than {{limit}} items',
  'schema-pattern': 'must match pattern "{{pattern}}"',
  'tool-key-unknown': 'is not known to the tool',
  'schema-of-unusable': 'the schema of {{tool}} cannot be used: {{why}}',
  'schema-duplicates': 'must NOT have duplicate items',
  'schema-const': 'must be equal to constant',
  'schema-format': 'must match format "{{format}}"',
  'schema-multiple': 'must be multiple of {{of}}',
  'schema-any': 'must match a schema in anyOf',
  'schema-one': 'must match exactly one schema in oneOf',
  'schema-slow': 'takes too long to check',
  'schema-not': 'must NOT be valid',
  'schema-never': 'is not allowed here',
  'schema-few-keys': 'must NOT have fewer than {{limit}} properties',
  'schema-many-keys': 'must NOT have more than {{limit}} properties',
  'schema-key-needs': 'must have {{needed}} when {{key}} is present',
  'schema-key-name': 'has a key whose name does not fit: "{{key}}"',
  'schema-if': 'must match the "{{branch}}" schema',
  'schema-contains': 'must contain at least {{least}} valid item(s)',
  'schema-contains-between':
    'must contain at least {{least}} and no more than {{most}} valid item(s)',
  'at-argument': '{{path}} {{what}}',
  'schema-unusable': 'the schema of the tool cannot be used: {{why}}',

  // What went wrong, and how it came right again.
  'step-anomaly': 'Step {{step}} ({{tool}}) failed: {{why}} {{then}}',
  'then-skipped': 'It was skipped, as the plan allows.',
  'then-stops': 'The plan says to stop then.',
  'then-tried': 'It was tried {{count}} times.',
  'then-hopeless': 'Another try would not change that.',
  'rows-rejected':
    '{{count}} rows could not be parsed in step {{step}}; they were left out and kept in a file of their own.',
  'rows-rejected-one':
    '1 row could not be parsed in step {{step}}; it was left out and kept in a file of its own.',
  'run-recovered': 'The run is on its way again: step {{step}} is done.',
  'run-recovered-at-try': 'The run is on its way again: step {{step}} is done at try {{try}}.',
  'worker-lost':
    'The worker of attempt {{before}} was lost; attempt {{attempt}} goes on with {{done}} of {{total}} steps done.',
  'attempts-lost':
    'The worker was lost in attempt {{attempt}} of {{most}}; there will be no other. Run it again when the cause is found.',
  'attempt-broke':
    'Attempt {{before}} broke off ({{why}}); attempt {{attempt}} goes on with {{done}} of {{total}} steps done.',
  'tries-again': '{{steps}} failed and is tried again: {{why}}',
  'tries-again-many': '{{steps}} failed and are tried again: {{why}}',
  'tries-otherwise': '{{steps}} failed and is tried again with other arguments: {{why}}',
  'tries-otherwise-many': '{{steps}} failed and are tried again with other arguments: {{why}}',
  'circuit-opened':
    '{{server}} fails ({{why}}); it is left alone for {{seconds}} s and then tried with one call.',
  'circuit-closed': '{{server}} answers again; calls go through to it.',
  'definition-changed':
    'The definition of {{tool}} has changed ({{paths}}); the tool is off until someone approves the difference.',
  'definition-hides':
    'The definition of {{tool}} holds text that a person does not see; the tool is off until someone approves it.',
  'definition-new':
    '{{tool}} is new at its server; the tool is off until a second person has confirmed its definition.',
  'tool-answered': '{{tool}} answered in {{ms}} ms.',
  'tool-failed': '{{tool}} failed: {{why}}',

  // Why a run ended.
  'unknown-tool-now': 'there is no tool {{tool}} any more',
  'args-misfit': 'the arguments do not fit {{tool}}: {{faults}}',
  aborted: '{{who}} aborted the run',
  'aborted-because': '{{who}} aborted the run: {{comment}}',
  'nobody-decided': 'nobody decided on the approval in time; run the task again when somebody can',
  'budget-steps':
    'The budget maxSteps ({{most}}) was used up: {{calls}} calls were made, retries included. Raise it, or split the task.',
  'budget-cost':
    'The budget maxCostCny ({{most}}) was used up: the model has cost {{cost}} CNY. Raise it, or give the steps yourself.',
  'budget-time':
    'The budget timeoutMs ({{ms}} ms of work) was used up with {{done}} of {{total}} steps done. Raise it, or split the task.',
  'step-needs-skipped': 'needs the result of {{missing}}, which was skipped',
  'failed-because': 'failed: {{why}}',
  'step-cut-off': 'was under way when the run ended',
  'step-not-reached': 'the run ended before it',
  'lacking-step': 'Without {{step}}: {{why}}',
  skipped: 'skipped',
  'no-reason': 'no reason given',
  'step-broke': 'Step {{step}} ({{tool}}) failed: {{why}}',
  'finding-failed': '{{step}} failed: {{why}}',
  'finding-empty': '{{step}} answered with nothing',
  'finding-doubted': "the model's review: {{comment}}",
  'agent-deleted': 'The agent {{agent}} was deleted; give the task to another.',
  'asker-may-no-more':
    'Whoever asked for this task may no longer create tasks here; nothing more was done.',
  'run-in-circles': 'The run went in circles.',
  'run-without-verdict': 'The run ended without a verdict.',
  'budget-worked-off': 'The task used up its time budget of {{ms}} ms of work.',
  'attempt-unforeseen':
    'Attempt {{attempt}} of {{most}} ended in an unexpected error. The log has it under trace {{trace}}.',

  // Approvals.
  'step-asks':
    'Step {{step}} wants to call {{tool}}. Continue, go on without it, or abort the run.',
  'step-asks-by-policy':
    'Step {{step}} wants to call {{tool}}, which a policy wants approved. Continue, go on without it, or abort the run.',
  'open-call-asks':
    'Step {{step}} had called {{tool}} when the worker was lost, and nobody knows whether it took effect. Continue calls it again, degrade takes it as done, abort ends the run.',
  'step-asks-of':
    'Step {{step}} wants to call {{tool}}, which a policy wants approved by {{whom}}.',
  'call-asks': '{{who}} wants to call {{tool}}.',
  'call-asks-by-rule':
    '{{who}} wants to call {{tool}}, which the policy "{{rule}}" has approved first.',
  'call-asks-of':
    '{{who}} wants to call {{tool}}, which the policy "{{rule}}" wants approved by {{whom}}.',
  'decides-one': 'one person who may decide',
  'decides-many': '{{count}} people who may decide',
  'decides-one-of': 'one person of the role {{roles}}',
  'decides-many-of': '{{count}} people of the role {{roles}}',
  'decides-not-asker': '{{whom}}, not by whoever asked',
  either: '{{first}} or {{rest}}',
  'approval-void':
    'What was to be approved for step {{step}} has changed since; the approval is void and is asked for again.',
  decided: '{{who}} decided on {{what}}: {{decision}}.',
  'decided-edited': '{{who}} decided on {{what}}: {{decision}} with edited arguments.',
  'decided-together': '{{who}} decided on {{what}} together: {{decision}}.',
  voted: '{{who}} said yes to {{what}}: {{given}} of {{count}}.',
  'undecided-call': 'Nobody decided on a call in time.',
  'undecided-step': 'Nobody decided on step {{step}} in time.',
  'glass-broken': '{{who}} broke the glass and decided alone on {{what}}: {{reason}}',
  'the-step': 'step {{step}}',
  'the-call': 'the call of {{tool}}',
  'decision-continue': 'continue',
  'decision-degrade': 'degrade',
  'decision-abort': 'abort',

  // What the links of the gateway would do with a call.
  'link-may-call': '{{who}} may call tools.',
  'link-may-not-call': 'Calling tools takes the permission tool.call, here and in this project.',
  'link-no-grant': 'No grant narrows this call.',
  'link-grant-reaches': 'What was shown ({{kinds}}) reaches the tool.',
  'link-reached': '{{server}} is reached over {{transport}}; it is {{health}}.',
  'health-unknown': 'unknown',
  'health-healthy': 'healthy',
  'health-unhealthy': 'unhealthy',
  'health-disabled': 'disabled',
  'link-allowed': 'Allowed: the rule {{rule}} says so.',
  'link-allowed-by-default': 'Allowed: no rule matches, and the default says so.',
  'link-asks': 'Somebody has to approve it first: the rule {{rule}} says so.',
  'link-asks-by-default':
    'Somebody has to approve it first: no rule matches, and the default says so.',
  'link-pinned': 'The definition is pinned as {{hash}}.',
  'link-fits': 'The arguments fit the schema.',
  'link-fits-secrets': 'The arguments fit the schema. {{secrets}} would be looked up.',
  'link-no-limit': 'No limit is set.',
  'link-used-today': '{{of}} has used {{used}} of {{limit}} today.',
  'link-used-this-minute': '{{of}} has used {{used}} of {{limit}} this minute.',
  'link-nobody-asked': 'Nobody has to approve it.',
  'link-would-wait-for': 'It would wait until it was approved by {{whom}}.',
  'link-too-few': 'At present {{count}} could say yes, which is too few.',
  'link-places': '{{taken}} of {{places}} places are taken.',
  'link-circuit-closed': 'The circuit is closed.',
  'link-circuit-half-open': 'The circuit is half-open.',
  'link-circuit-open': 'The circuit is open.',
  'link-would-call':
    '{{server}} would be asked for {{tool}} over {{transport}}, for at most {{ms}} ms. It would be made once.',
  'link-would-call-again':
    '{{server}} would be asked for {{tool}} over {{transport}}, for at most {{ms}} ms. It may be repeated when the server cannot be reached.',

  // What stops a call there.
  'no-server': 'No tool server is registered as "{{server}}". GET /mcp/registry lists them.',
  'no-tool': 'The server "{{server}}" has no tool "{{tool}}". GET /mcp/tools lists what there is.',
  'server-off':
    'The server "{{server}}" is switched off. Someone who may change tools can switch it on.',
  'args-unfit': 'The arguments do not fit the schema of {{tool}}.',
  'secrets-not-granted':
    'The arguments refer to {{names}}, which this call was not given. Name it in the "env" of the task.',
  'grant-refused': 'The capability grant was not taken: {{why}}.',
  'scope-missing': 'What was shown does not reach {{tool}}. One of these scopes does: {{scopes}}.',
  'policy-denies': 'The policy "{{rule}}" forbids calling {{tool}} in this way.',
  'policy-denies-by-default': 'No policy allows calling {{tool}}.',
  'held-changed':
    'The definition of {{tool}} has changed since it was approved. Someone who may change tools has to approve the difference (GET /mcp/pins?state=changed).',
  'held-hides':
    'The definition of {{tool}} holds text that a person does not see. Someone who may change tools has to approve it (GET /mcp/pins?state=quarantined).',
  'held-new':
    'The definition of {{tool}} is new and nobody has confirmed it. Someone who may change tools has to approve it (GET /mcp/pins?state=quarantined).',
  'quota-used-up': 'The quota of {{of}} ({{limit}} calls a day) is used up until midnight, UTC.',
  'limit-reached': 'The limit of {{of}} ({{words}}) is reached.',
  'calls-a-minute': '{{limit}} calls a minute',
  'circuit-holds': '{{server}} fails at present and is left alone for a moment.',
  'circuit-holds-because': '{{server}} fails at present ({{why}}) and is left alone for a moment.',

  // How a call came to nothing.
  'server-slow': 'no answer in time',
  'call-cancelled': 'the call was cancelled',
  'server-asks': 'the tool asks for input that nobody can give',
  'server-asks-amiss':
    'the server answers {{method}} with a question, which the protocol has for calls, prompts and resources only',
  'server-asks-on': 'the tool still asks after {{rounds}} rounds',
  'server-silent': 'it does not answer',
  'server-ending': '{{server}} is being shut down',
  'server-away': '{{server}} cannot be reached: {{why}}',
  'server-away-for':
    '{{server}} cannot be reached ({{why}}); the next attempt is made in {{seconds}} s',
  'server-connects-slowly': '{{server}} could not be connected in time',
  'server-status': 'the server answered with HTTP {{status}}',
  'server-busy':
    'the server takes no more calls at present (HTTP {{status}}) and may be asked again in {{seconds}} s',
  'server-full': 'all {{places}} places were taken when it was to go on; make it again',
  'connection-lost': 'the connection was lost',
  'connection-lost-with': 'the connection was lost: {{words}}',
  'service-status': 'the service answered with HTTP {{status}}',
  'service-away': 'the service cannot be reached ({{why}})',
  'service-no-operation': 'the service has no such operation',
  'service-tools-only': 'a REST service has tools only',
  'service-argument-out': 'the arguments lead out of the service',
  'service-argument-path': 'the argument {{name}} is no part of a path',
  'service-argument-header': 'the argument {{name}} cannot be sent in a header',
  'service-argument-digits':
    'the argument {{name}} holds a number of more digits than can be kept (9007199254740991 at most)',
  'service-argument-form': 'the argument {{name}} is no object, and the fields of a form are one',
  'service-answer-large': 'the answer has more than {{most}} bytes; ask for less',
  'answer-deep': 'the answer is nested deeper than {{most}} levels',
  'answer-large':
    'the answer has {{bytes}} bytes; at most {{most}} are taken. Ask for less, or have it written to a file.',
  'answer-no-structure': 'the tool promises structured content and gave none',
  'answer-itself': 'it {{what}}',
  'answer-misfit': "the answer does not fit the tool's own schema: {{faults}}",
  'own-schema-unusable': "the tool's own schema cannot be used: {{why}}",
  'tool-failed-silently': 'the tool answered that it failed',
  'call-broke': '{{tool}}: {{why}}',
  'call-unreached': '{{tool}}: {{why}}.',
  'call-slow': '{{tool}} gave no answer within {{ms}} ms.',
  'call-forgotten': 'The process that made this call ended before its answer was recorded.',

  // Why a tool of a server is left out.
  'tool-unfit': 'its definition does not fit the protocol: {{faults}}',
  'tool-name-taken': 'another one of its server has its name',
  'tool-unnamable': 'it has no name that can be kept',
  'tool-too-deep': 'its definition is nested too deeply',
  'tool-too-long': 'its definition is too long',
  'tool-header': 'an x-mcp-header that it asks for {{fault}}',
  'tool-too-many': 'a server may have {{most}} tools',

  // What the tools that come with AOS say when they cannot do it.
  'file-of-run-none': 'There is no file "{{name}}" in the workspace of this run.',
  'file-none': 'There is no "{{path}}" in the workspace.',
  'file-link': '"{{path}}" is a link, and is not followed.',
  'file-folder': '"{{path}}" is a folder.',
  'file-no-folder': '"{{path}}" is not a folder.',
  'file-pipe': '"{{path}}" is a pipe or a device.',
  'file-special': '"{{path}}" is a pipe, a socket or a device.',
  'file-no-file': '"{{path}}" is not a file.',
  'file-not-empty': '"{{path}}" is a folder with something in it. Pass recursive to delete it.',
  'file-exists': '"{{path}}" exists already.',
  'file-workspace': 'That is the workspace itself.',
  'file-large': '"{{path}}" has {{bytes}} bytes; at most 1 GiB is read.',
  'file-write-large': 'At most {{most}} MiB are written at once.',
  'file-grows': '"{{path}}" would grow beyond 256 MiB.',
  'file-into-itself': '"{{path}}" cannot be moved into itself.',
  'disk-full': 'The disk is full.',
  'path-long': '"{{path}}" is too long for a path.',
  'path-controls': '"{{path}}" holds control characters.',
  'path-absolute': '"{{path}}" is not relative to the workspace.',
  'path-backslash': '"{{path}}" holds a backslash; folders are parted by "/".',
  'path-outside': '"{{path}}" leads outside the workspace.',
  'path-name-long': '"{{path}}" has a name that is too long.',
  'path-deep': '"{{path}}" is too deep.',
  'path-many-links': '"{{path}}" runs through too many links.',
  'path-link-nowhere': '"{{path}}" is a link to nothing.',
  'path-a-file': '"{{path}}" is a file.',
  'path-changed': '"{{path}}" changed while it was opened.',
  'shell-nul': 'A command cannot hold a NUL character.',
  'command-memory':
    'The command was stopped: its processes together took more than {{most}} of memory.',
  'sandbox-linux-only': 'Commands run only on Linux, in a bubblewrap sandbox.',
  'sandbox-no-bubblewrap':
    'bubblewrap is not installed. Install it with: apt-get install bubblewrap',
  'sandbox-no-prlimit': 'prlimit is missing. Install it with: apt-get install util-linux',
  'sandbox-refused':
    'bubblewrap is installed but cannot make a sandbox here ({{why}}). User namespaces must be allowed: in Docker run with a seccomp profile that permits them, elsewhere see kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns.',
  'git-none': '"{{path}}" is not a git repository.',
  'git-no-folder': '.git is not a folder; it could lead elsewhere.',
  'git-leads-out': '.git holds "{{name}}", which could lead elsewhere.',
  'git-config-large': 'Its config is too large.',
  'git-config-key':
    'The repository\'s config sets "{{key}}", which is not accepted here. Remove it from .git/config.',
  'git-slow': 'git took longer than a minute.',
  'git-wordy': 'git had more than 1 MiB to say.',
  'git-failed': 'git: {{why}}',
  'git-missing': 'git is not installed on the server.',
  'git-inside': '"{{path}}" lies in .git.',
  'git-inner': '"{{path}}" is a repository of its own; name the files beside it instead.',
  'git-author': 'The author holds characters that git cannot write.',
  'git-busy':
    'Another git is at work in this repository, or has left .git/index.lock behind; if none is, delete that file.',
  'http-slow': 'The request took too long.',
  'http-no-body': 'A {{method}} request carries no body.',
  'http-redirects': 'More than {{most}} redirects.',
  'http-body-elsewhere':
    "The server wants the request's body sent on to {{origin}}; ask for that address yourself.",
  'http-large': 'The body is larger than {{most}} bytes when unpacked.',
  'http-packed': 'The body is packed in an unknown way: {{how}}',
  'http-failed': 'The request failed: {{why}}',
  'url-blanks': 'The URL holds white space or control characters.',
  'url-none': 'That is not a URL.',
  'url-scheme': 'Only http and https are fetched, not {{scheme}}',
  'url-password': 'A URL may not carry a user name or password.',
  'url-port': 'Port {{port}} is not allowed.',
  'address-private': '{{host}} is not a public address.',
  'header-reserved': 'The header "{{header}}" may not be set.',
  'header-controls': 'The value of "{{header}}" holds control characters.',
  'query-one-statement': 'One statement is run at a time, not {{count}}.',
  'query-many-parameters': 'A query takes at most {{most}} parameters.',
  'query-slow': 'The query took too long and was stopped.',
  'query-locks':
    'The query held a lock of the database, for which others may be waiting, and was stopped.',
  'query-busy':
    'Other queries were under way for as long as this one may take, and it was not begun. Try again in a moment.',
  'query-memory': 'The query takes more memory than it may have.',
  'query-nested': 'The query, or a value in it, is nested too deeply.',
  'query-signs': 'More than {{most}} signs like *, / or = stand behind each other in the query.',
  'query-refused': 'Postgres refused the query: {{why}}',
  'csv-line-long': 'Line {{line}} is longer than {{most}} characters. Is this a CSV file?',
  'csv-empty': '"{{file}}" is empty: it has no header and no rows.',
  'csv-blank': '"{{file}}" holds blank lines only.',
  'csv-wide': '"{{file}}" has {{count}} columns; at most {{most}} are read.',
  'csv-no-column': '"{{file}}" has no column "{{column}}". Its columns: {{columns}}.',
  'csv-encoding': '"{{encoding}}" is not an encoding known here.',
  'csv-nul': '"{{file}}" is not a text file: byte {{byte}} is NUL. Send a CSV export instead.',
  'csv-controls':
    '"{{file}}" is not a text file: {{count}} of its first {{bytes}} bytes are control characters.',
  'csv-other-kind': '"{{file}}" is not CSV: it looks like {{what}}.',
  'a-zip': 'an Excel workbook or another ZIP archive; save it as CSV first',
  'an-old-office-file': 'an old Excel or Office document; save it as CSV first',
  'a-gzip': 'a gzip archive; unpack it first',
  'a-zstandard': 'a Zstandard archive; unpack it first',
  'a-pdf': 'a PDF document',
  'a-png': 'a PNG picture',
  'a-jpeg': 'a JPEG picture',
  'a-gif': 'a GIF picture',
  'a-parquet': 'a Parquet file; export it as CSV first',
  'an-sqlite': 'an SQLite database; export a table as CSV first',
  'a-program': 'a program',
  'csv-name-twice': 'rename gives two columns the name {{names}}.',
  'date-format':
    '"{{format}}" is not a date format: it needs a year (YYYY or YY), a month (MM, M or MMM) and a day (DD or D).',
  'plot-many-values':
    'x has more than {{most}} different values. Choose another column, a bucket, or a histogram.',
  'plot-median-large': 'A median over more than {{most}} values does not fit in memory. Use mean.',
  'plot-no-dates':
    '"{{column}}" holds {{type}} values, not dates, so it has no {{bucket}}. Clean it with csv.clean and a date format first, or leave bucket out.',
  'plot-not-finite': '"{{column}}" holds numbers too large to draw.',
  'plot-needs-y': '{{what}} needs y, a column with numbers.',
  'plot-not-numbers': '{{what}} needs numbers, and "{{column}}" holds {{type}} values.',
  'plot-aggregate': 'Aggregate "{{aggregate}}"',
  'plot-scatter': 'A scatter chart',
  'plot-histogram': 'A histogram',
  'plot-nothing': 'No row of "{{file}}" has a value in {{columns}}.',
  'plot-many-points':
    '{{points}} points do not fit in one chart. Choose a coarser bucket, or a histogram.',
  'query-unavailable':
    'The database cannot be offered to tools: {{why}}. Its user needs CREATEROLE, or someone makes the role aos_reader beforehand.',
  'query-costly':
    'The embedded database cannot stop a query once it runs, and this one may take long. Narrow it, or run AOS on a Postgres server (DATABASE_URL).',
  // The audit record and its chain.
  'audit-checks-wait': 'Other checks of the audit record are under way and waiting.',
  'audit-broken': 'The audit record does not hold, in {{count}} places. The first: {{first}}',
  'audit-changed': 'Entry {{seq}} is not what was sealed: it was changed afterwards.',
  'audit-missing': 'Entry {{seq}} is gone from the record.',
  'audit-gap': 'Entries {{from}} to {{to}} are gone from the chain.',
  'audit-unchained': 'The row with the id {{id}} was put in past the chain.',
  'audit-not-as-signed':
    'The chain at entry {{seq}} is not the one that was signed: it was made anew.',
  'audit-cut-off':
    'Entry {{signed}} was signed, and the chain ends at {{there}}: its end was taken away.',
  'audit-foreign-checkpoints':
    '{{count}} lines of the checkpoint file are not signed by this installation.',
  'call-stopped': 'The call was stopped.',
  'tool-unforeseen':
    '{{tool}} failed in a way it did not foresee; the log has the details under trace {{trace}}.',

  // Why something is not taken over.
  'import-name-taken': 'a server named "{{name}}" is registered already',
  'import-wants-secret':
    '{{variable}} is not taken from the document; store it as a secret and name that one',
  'import-secret-name':
    'the secret has to be named {{variable}}, like the variable that the server reads',
  'import-no-object': 'is not an object',
  'import-no-name': 'has no name that can be used here',
  'import-off': 'is switched off where it comes from',
  'import-args-no-text': 'has arguments that are not text',
  'import-env-file': 'reads its environment from a file',
  'import-many-variables':
    'wants {{count}} variables ({{names}}); a server here is given one, from a secret of that name',
  'import-placeholder-in-args': 'has a placeholder in its arguments',
  'import-secret-in-args': 'has what looks like a secret in its arguments',
  'import-no-way': 'has neither a command nor a url',
  'import-placeholder-in-url': 'has a placeholder in its address',
  'import-secret-in-url': 'has what looks like a secret in its address',
  'import-header': 'wants the header {{header}}; only Authorization can be sent',
  'import-no-bearer': 'signs in otherwise than by a bearer token',
  'operation-too-many': 'there are too many operations',
  'operation-path': 'its path does not begin with /',
  'operation-server': 'its server has no usable address',
  'operation-name-taken': 'another operation is named {{name}} as well',
  'operation-parameter-name': 'its parameter {{parameter}} has no usable name',
  'operation-parameter-header': 'its parameter {{parameter}} is a header that may not be set',
  'operation-parameter-place': 'its parameter {{parameter}} is sent in a {{place}}',
  'operation-argument-twice': 'two of its arguments are named {{argument}}',
  'operation-slot': 'its path has {{slot}}, for which there is no parameter',
  'operation-body': 'its body is neither JSON nor the fields of a form',
  'operation-schema-deep': 'its schema is nested too deeply',
  'operation-schema-name': 'a schema has an unusable name',
  'operation-schema-large': 'its schema is too large',
  'operation-refers-elsewhere': 'it refers to another document',
  'operation-refers-nowhere': 'it refers to {{reference}}, which is not there',
  'operation-refers-in-circle': 'it refers in a circle',

  // What agents are made from.
  'template-data-analyst': 'Data analyst',
  'template-data-analyst-does':
    'Profiles a CSV file, cleans it once a person has agreed, plots it by month and by kind, and writes a short report. Its way of work is made for the bird-strike records (input "birdstrikes"); give it steps of your own for other data.',
  'template-blank': 'Blank',
  'template-blank-does': 'An agent without tools or a way of work of its own; bind what it needs.',

  // What AOS says of its agents, and why a request is refused.
  'agent-ordered': '{{who}} ordered it to {{order}}: it is {{status}}.',
  'agent-released': '{{who}} released version {{version}} in place of {{before}}.',
  'agent-released-because':
    '{{who}} released version {{version}} in place of {{before}}: {{comment}}.',
  'order-start': 'start',
  'order-stop': 'stop',
  'agent-running': 'running',
  'agent-draining': 'draining',
  'agent-stopped': 'stopped',
  'from-template': 'from the template {{template}}',
  'agent-failed': 'failed',
  'no-query-here': 'This route takes no query.',
  'field-unknown': 'is not known here',
  'field-missing': 'is missing',
  'field-format': 'is not in the format {{format}}',
  'rule-years': 'lies outside the years 1 to 9999',
  'rule-shown-name': 'holds characters that cannot be seen, or that change how others are shown',
  'rule-server-name': 'a small letter, then small letters, digits, _ or -, at most 40',
  'rule-token-url': 'give a tokenUrl or an issuer',
  'rule-exchange': 'goes with an exchange, and an exchange needs it or perCaller',
  'rule-url': 'http and sse need a url',
  'rule-stdio-command': 'stdio needs a command',
  'rule-stdio-url': 'stdio takes no url',
  'rule-url-command': 'http and sse take no command',
  'rule-tool-pattern': 'printable ASCII without blanks',
  'rule-json-pointer': 'a JSON pointer: empty, or beginning with /',
  'rule-policy-id': 'small letters, digits, . _ -, at most 80',
  'rule-json-length': 'may have 8000 characters as JSON',
  'rule-issuer-audience': 'an issuer and an audience go together',
  'rule-nothing-to-change': 'says nothing to change',
  'rule-many-filters': 'has more than 20 filters',
  'rule-text-or-steps': 'give text, steps, or both',
  'rule-auth-name': 'a header or a query parameter needs a name',
  'rule-document': 'give a document or a documentUrl',
  'rule-servers': 'give mcpServers or servers',
  'rule-step-id': 'a letter, then letters, digits, _ or -, at most 64',
  'rule-tool-name': 'name it as server.tool, as in skills.csv.profile',
  'rule-agent-name': 'a small letter, then small letters, digits or -, at most 40',
  'rule-version': 'the number of a version',
  'rule-npm-package': 'name@1.2.3, name, or @scope/*',
  'rule-media-type': 'a media type, such as text/csv or image/*',
  'rule-scope': 'one scope, without blanks',
  'rule-domain': 'a domain in small letters',
  'rule-header-name': 'the name of a header, at most 100 characters',
  'rule-plain': 'printable ASCII alone',
  'plan-refused':
    'The plan has {{count}} faults; nothing was started. Mend what errors lists and send it again.',
  'no-agent': 'There is no agent with the id or name "{{agent}}".',
  'no-inputs': 'Some inputs do not exist, or you may not read them.',
  'no-secrets': 'Some of the secrets that the task names do not exist in its project.',
  'job-ended': 'Job {{job}} has ended already: it is {{status}}.',
  'job-not-ended':
    'Job {{job}} is {{status}}. Wait for its end, or cancel it, and run it again then.',
  'job-no-step': 'Job {{job}} has no such step.',
  'project-archived':
    'The project {{project}} is in the archive and takes no new tasks. Restore it first, or give the task elsewhere.',
  'project-exists': 'There is a project {{project}} already.',
  'blueprint-exists': 'The project has a blueprint named “{{blueprint}}” already.',
  'blueprints-many':
    'The project has {{most}} blueprints. Delete one that is no longer needed, or use another project.',
  'blueprint-faulty':
    'The blueprint has {{count}} faults; nothing was saved. Mend what errors lists and save it again.',
  'blueprint-faulty-one':
    'The blueprint has one fault; nothing was saved. Mend what errors lists and save it again.',
  'blueprint-long': 'takes {{length}} characters as JSON with all steps; it may take {{most}}',
  'inputs-refused': 'The inputs are not those that “{{blueprint}}” takes; nothing was started.',
  'input-not-taken': '“{{blueprint}}” takes no input named "{{name}}"',
  'input-missing': 'the input "{{name}}" is required',
  'input-other-kind': 'the input "{{name}}" is to be {{wanted}}; this file is {{given}}',
  'blueprint-nothing-left':
    'every step uses an input that was not given, so there is nothing to run',
  'agent-exists':
    'There is an agent named "{{agent}}" already. Choose another name, or change that one.',
  'server-exists':
    'A server named "{{server}}" is registered already. Choose another name, or change that one.',
  'server-built-in':
    '"{{server}}" comes with AOS and cannot be removed. Switch it off instead: PATCH with {"enabled": false}.',
  'server-name-kept':
    'The name "{{server}}" is kept for agents registered as tools. Choose one that does not begin with "agent-".',
  'server-fixed':
    '"{{server}}" ({{transport}}) cannot be moved like that: an address belongs to a server over HTTP, a command to one over stdio. To reach it in another way, register it under another name.',
  'server-not-there':
    '"{{server}}" does not answer there, so it stays where it was: {{why}}. Its definitions can only be checked by asking it; mend the address, the command or the sign-in and try again.',
  'server-away-to-propose':
    '"{{server}}" does not answer: {{why}}. While tool servers want a second person, one is proposed with the tools that it tells of; try again when it answers.',
  'server-away-to-confirm':
    '"{{server}}" does not answer, so it could not be asked for its tools, and the change goes on waiting: {{why}}',
  'server-tells-otherwise':
    '"{{server}}" tells of other tools now than those that were proposed. Refuse this, and have it proposed again.',
  'told-new': 'was not proposed',
  'told-gone': 'is not there any more',
  'told-otherwise': 'has another definition',
  'server-told-long':
    'What its tools say is too long to be looked at in one change ({{size}} of at most {{most}} MB). Take fewer of them.',
  'server-moved': '"{{server}}" has changed since this was proposed.',
  'server-address': 'The address of the server is not allowed.',
  'call-wants-approval': '{{tool}} is called only once somebody has approved it.',
  'call-wants-approval-of':
    '{{tool}} is called only once it was approved by {{whom}}: {{given}} of {{count}} so far.',
  'already-voted':
    'You have said yes already: {{given}} of {{count}}. Another person has to say it too; you may still say no.',
  'not-an-approver': 'This has to be approved by {{whom}}.',
  'glass-by-session':
    'The glass is broken by a person who is signed in, not by an API token. Sign in and decide there.',
  'glass-may-not':
    'To decide alone takes the permission approval.override, here and in this project.',
  'pin-moved': 'The definition of {{tool}} that waits is another one by now. Look at it again.',
  'email-taken': 'Somebody has this e-mail address already.',
  'password-same': 'The new password is the present one.',
  'password-changed': 'The password was changed meanwhile. Sign in again.',
  'code-needed':
    'Send the same once more with `code`: the six figures that your app shows, or one of your recovery codes.',
  'code-wrong':
    'It is wrong, too old, or was used before; each counts once. Wait for the next one, or use a recovery code.',
  'code-pause': 'Too many wrong codes. Wait before the next try.',
  'factor-required':
    'Your role wants a second factor, and you have none yet: set it up at POST /auth/second-factor, or in the console. An API token is not asked for one.',
  'factor-on': 'A second factor is on already. Turn it off first to set up another.',
  'factor-off': 'No second factor is on.',
  'factor-not-begun': 'Nothing waits for a code. Begin with POST /auth/second-factor.',
  'factor-other-key':
    'The second factor was stored under another master key and cannot be checked.',
  'factor-own': 'Your own second factor is turned off in your account, with a code.',
  'factor-by-token': 'An API token has no second factor. Sign in to do that.',
  'sign-in-pause': 'Too many failed sign-ins. Wait before the next try.',
  'password-for-owners':
    'Here people sign in with a provider. The password is the way in of owners, for when the provider is away.',
  'prove-by-sign-in':
    'You have no password: sign out, sign in again, and do this within ten minutes.',
  'no-provider': 'There is no sign-in provider of that name.',
  'identity-last':
    'It is your only way in. Have a password set first, or connect another provider.',
  'sso-address-unknown':
    'AOS does not know the address under which people reach it, so nobody can come back to it. Set AOS_PUBLIC_URL and start it again.',
  'sso-away':
    '{{provider}} did not answer in time, or not as a sign-in provider does. Try again; if it lasts, tell whoever runs AOS.',
  'sso-not-asked': '{{provider}} may not be asked: {{why}}',
  'sso-issuer':
    'What answers at {{issuer}} calls itself something else. The issuer has to be written exactly as its metadata say it.',
  'sso-no-pkce': '{{provider}} takes no PKCE with S256, without which nobody is sent to it.',
  'sso-endpoint': '{{provider}} names an address that is not one over https.',
  'sso-secret': '{{provider}} is not wholly set up here: its client secret cannot be had.',
  'sso-said': '{{provider}} did not let you in ({{why}}).',
  'sso-unfit': 'What {{provider}} answered does not fit what was asked. Nobody was signed in.',
  'sso-flow':
    'This sign-in was not begun in this browser, has been used, or took longer than ten minutes. Begin it again.',
  'sso-no-account':
    'You have no account here that is connected with {{provider}}. Whoever has an account signs in to it and connects it under Settings, Account.',
  'sso-email': '{{provider}} does not say that your e-mail address was verified.',
  'sso-domain': 'Your e-mail address is not of a domain that is let in here.',
  'sso-email-taken':
    'There is an account with your e-mail address. Sign in to it in another way and connect {{provider}} under Settings, Account.',
  'sso-disabled': 'Your account is disabled.',
  'sso-no-role': 'You hold no role here, and nothing that {{provider}} says of you gives you one.',
  'sso-taken': 'That account of {{provider}} is connected with somebody else here.',
  'sso-another':
    'Your account is connected with another account of {{provider}}. Disconnect that one first.',
  'sso-session': 'The session in which you began this has ended. Sign in and begin again.',
  'sso-no-sign-out': '{{provider}} does not offer to sign out there.',
  'streams-many': 'Too many streams are open: close some first.',
  'server-stopping': 'The server is stopping.',
  'sign-in-crowd': 'Too many people sign in at this moment. Try again shortly.',
  'views-many': 'You have {{most}} saved views. Drop one that you no longer need.',
  'conversation-busy':
    'A task of this conversation has not ended. Wait for it, or cancel it first.',
  'conversation-elsewhere':
    'The conversation belongs to another project; leave projectId out or begin a new one.',
  'policies-faulty': 'The policies have faults; nothing was saved.',
  'role-held': 'This person has this role there already.',
  'role-in-use': 'People have the role {{role}}. Take it away from them first.',
  'role-exists': 'There is a role {{role}} already.',
  'approval-args-refused': 'The edited arguments were not taken; the approval still waits.',
  'file-bytes': 'The file has {{bytes}} bytes.',
  'file-name': 'The name of the file is not allowed.',
  'disk-nearly-full': 'The disk of the data folder is nearly full; free some space and try again.',
  'variable-exists': 'There is a variable {{name}} already.',
  'database-away': 'The database does not answer. Try again in a moment.',
  'database-refuses': 'The database refuses to write. Nothing was changed.',
  'stored-twice': 'Somebody else stored the same thing at the same moment.',
  'secret-name':
    'A name has capital letters, digits and _, starts with a letter, and has at most 128 characters.',
  'secret-name-risky':
    '{{name}} would change how programs run. Choose a name of your own, such as {{own}}.',
  'secret-value-lines':
    'A value is one line without control characters, or PEM blocks. Was a newline copied along?',
  'llm-secret':
    '{{section}}.apiKeySecret takes the name of a secret, not a key. Add the secret first.',
  'factor-role': 'A second factor is wanted of a role that there is not.',
  'provider-twice': 'Two sign-in providers are called {{name}}.',
  'provider-issuer-twice':
    'Two sign-in providers have the same issuer. Whom it means is kept by the issuer: one entry has to do for both.',
  'provider-issuer-form':
    'The issuer of a sign-in provider is an address over https, without user, query or fragment; plain http only on this machine itself.',
  'provider-secret':
    'The client secret of a sign-in provider is the name of a secret, not its value. Add the secret first.',
  'provider-role': 'A sign-in provider gives a role that there is not.',
  'provider-claim': 'Roles hang on the values of a claim, and no claim is named.',
  'provider-gives-nothing':
    'People who are given an account would hold no role. Map one, or name a default.',
  'password-no-provider': 'Without a sign-in provider nobody but owners could come in.',
  'password-no-owner': 'No owner has a password: nobody could come in when the provider is away.',
  'llm-url': '{{section}}.baseUrl must not hold a user or password. Use {{section}}.apiKeySecret.',
  'embeddings-model':
    'Embeddings take the name of a model. Name it in embeddings.model, or set embeddings.provider to none.',
  'traces-url':
    'telemetry.endpoint must hold neither a user or password nor anything behind a #. Use telemetry.headers with the name of a secret.',
  'traces-header':
    'telemetry.headers cannot be taken as they are. Each takes a name of its own, and the name of a secret.',
  'header-not-free': 'is set by AOS itself',
  'header-twice': 'stands above already',
  'url-no-fragment': 'must not hold a #',
  'traces-no-secret': 'The secret {{name}} is not there: nothing is sent until it is.',
  'traces-secret-unfit': 'The value of the secret {{name}} does not fit a header.',
  'traces-secret-away': 'The secret {{name}} could not be opened; it is tried again.',
  'traces-status': 'It answers with status {{status}}.',
  'traces-busy': 'It has no room for now: it answers that it is to be tried again later.',
  'traces-late': 'It did not answer in time.',
  'traces-away': 'It cannot be reached ({{code}}).',
  'try-none': 'No model is set there. Save one, then try it.',
  'must-name-provider': 'names no provider, or none of its models',
  'try-no-pgvector':
    'The database has no pgvector: it would not be asked. Add the extension, or let memory be searched by its words.',
  'needs-pgvector': 'needs pgvector in the database',
  'try-pause': 'Each try is paid for: ten a minute are enough. Wait before the next.',
  'addresses-unread': 'The list of allowed addresses has entries that cannot be taken.',
  'address-none':
    'is no address and no range, such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32. Names of hosts are not taken.',
  'address-zone': 'has a zone, behind %, which says something on one machine only',
  'address-bits': 'behind the / stands a whole number from 0 to {{most}}',
  'address-mapped': 'is IPv4 written as IPv6. Write {{plain}}; it holds for both.',
  'address-beyond':
    'has bits beyond its range. Write {{range}} for the range, or {{alone}} for the one address.',
  'address-twice': 'stands in the list already',
  'address-refused':
    'Requests from {{address}} are not allowed here. Whoever runs this AOS can allow the address.',
  'address-unknown': 'an address that cannot be told',
  'address-locks-out':
    'You come from {{address}}, which is not in the list: you could not come in again. Add it, or save from an address that is in the list.',
  'address-not-yours': 'leaves out {{address}}, from where you come',
  'redaction-unread':
    'The pattern of the redaction rule {{name}} cannot be read: {{why}}. It takes the syntax of RE2, which has no backreferences and no look-around.',
  'redaction-empty':
    'The pattern of the redaction rule {{name}} also fits where there is no text. Say what has to be there, as in [0-9]+ in place of [0-9]*.',
  'redaction-greedy':
    'The redaction rule {{name}} would take most of an ordinary sentence. Say more closely what is to be taken out.',
  'redaction-twice':
    'Two redaction rules are called {{name}}. What is taken out is shown under the name of its rule.',
  'issuer-taken-above': 'another provider above has it',
  'must-be-issuer': 'must be https, without user, query or fragment',
  'must-name-claim': 'must name the claim',
  'needs-a-role': 'needs a role',
  'needs-a-provider': 'needs a sign-in provider',
  'needs-owner-password': 'needs an owner with a password',
  'not-re2': 'not a pattern of RE2',
  'fits-nothing': 'fits where there is no text',
  'fits-most': 'fits most of any text',
  'name-taken-above': 'the name of a rule above',
  'variable-value': 'Give either a value or the name of a secret.',
  'variable-secret-name':
    'secretRef takes the name of a secret, not a value. Add the secret first.',
  'plan-refused-one':
    'The plan has one fault; nothing was started. Mend what errors lists and send it again.',

  // Who has changed what, and what speaks against a change.
  'chat-wrote': '{{who}} wrote: {{text}}',
  'chat-answered': '{{who}} answered.',
  'project-created': '{{who}} created the project {{project}}.',
  'project-changed': '{{who}} changed the project {{project}}.',
  'project-put-away': '{{who}} archived the project {{project}}.',
  'project-restored': '{{who}} restored the project {{project}}.',
  'blueprint-made': '{{who}} made the blueprint “{{blueprint}}”.',
  'blueprint-changed':
    '{{who}} changed the blueprint “{{blueprint}}”; it is at version {{version}}.',
  'blueprint-restored':
    '{{who}} restored version {{from}} of the blueprint “{{blueprint}}”, as version {{version}}.',
  'blueprint-deleted': '{{who}} deleted the blueprint “{{blueprint}}”.',
  'server-registered': '{{server}} was registered with {{count}} tools.',
  'server-registered-away': '{{server}} was registered but cannot be reached: {{why}}.',
  'server-removed': '{{server}} was removed; its tools can no longer be called.',
  'server-settings-changed': 'The settings of {{server}} were changed.',
  'pin-approved': '{{who}} approved the definition of {{tool}}.',
  'agent-callable': 'The agent {{agent}} can be called as {{tool}}.',
  'agent-not-callable': 'The agent {{agent}} can no longer be called as a tool.',
  'agent-made': 'The agent {{agent}} was made.',
  'agent-at-version': '{{agent}} is at version {{version}} now.',
  'agent-at-version-again': '{{agent}} is at version {{version}} again.',
  'agent-is-ordered': '{{agent}} is {{status}}, as {{who}} ordered.',
  'agent-drained': '{{agent}} has ended its last task and is stopped.',
  'agent-scaled': '{{who}} set the replicas of {{agent}} to {{count}}.',
  'settings-changed': '{{who}} changed the settings: {{paths}}.',
  'secret-set': '{{who}} set the secret {{name}} (version {{version}}).',
  'secret-deleted': '{{who}} deleted the secret {{name}}.',
  'secrets-listed': '{{who}} changed the list of secrets: {{names}}.',
  'policies-changed': '{{who}} changed the policies of the tools.',
  'rights-changed': '{{who}} changed who may do what: {{action}} on {{resource}}.',
  'proposed-settings':
    '{{who}} proposes a change of the settings. A second person has to confirm it.',
  'proposed-policies':
    '{{who}} proposes a change of the policies of the tools. A second person has to confirm it.',
  'proposed-roles':
    '{{who}} proposes a change of who may do what. A second person has to confirm it.',
  'proposed-secrets':
    '{{who}} proposes a change of the secrets. A second person has to confirm it.',
  'proposed-servers':
    '{{who}} proposes a change of the tool servers. A second person has to confirm it.',
  'what-settings': 'the settings',
  'what-policies': 'the policies of the tools',
  'what-roles': 'who may do what',
  'what-secrets': 'the secrets',
  'what-servers': 'the tool servers',
  'proposal-confirmed':
    '{{who}} confirmed the change of {{what}} that {{by}} proposed. It holds now.',
  'proposal-refused': '{{who}} refused the change of {{what}} that {{by}} proposed.',
  'proposal-withdrawn': '{{who}} withdrew the proposed change of {{what}}.',
  'proposal-glass': '{{who}} broke the glass and changed {{what}} alone: {{reason}}',
  'secrets-moved':
    'The secrets have changed since you read them. Read them again and repeat the change.',
  'secrets-left-out':
    'The list leaves out what has a value: {{names}}. Delete it by name first, or keep it in the list.',
  'secrets-not-yours': 'You may not write secrets there.',
  'same-as': 'is the same as {{other}}',
  'env-decided-elsewhere':
    'is decided where the process is started; leave it as it was read, or out',
  'nothing-changed': 'Nothing was changed.',
  'settings-stale':
    'The settings are at version {{present}} now; yours were made on version {{base}}. Look at the new difference and save again.',
  'proposal-own': 'You proposed this yourself. A second person has to confirm or refuse it.',
  'proposal-not-yours': 'Whoever proposed it withdraws it; others refuse it.',
  'proposal-confirmers':
    'This is confirmed or refused by somebody else who could make the change themselves.',
  'proposal-confirmers-of':
    'This is confirmed or refused by somebody else who could make the change themselves and has the role {{roles}}.',
  'proposal-was-applied': '{{who}} has confirmed it before; it holds.',
  'proposal-was-refused': '{{who}} has refused it before.',
  'proposal-was-withdrawn': 'It was withdrawn.',
  'proposal-too-late': 'The time to confirm it is over. Propose the change again.',
  'proposal-void-base':
    'What it was made on has changed since. Look at the new difference, and propose the change again.',
  'proposal-void-proposer':
    'Whoever proposed it could not make this change any more. Make it yourself, and have somebody else confirm it.',
  'proposals-many':
    '{{most}} changes wait already. Have some of them confirmed, refused or withdrawn first.',
  'nobody-else':
    'Nobody but you could confirm a change of {{what}}: give somebody else the permission {{permission}}, or name other roles.',
  'proposal-glass-may-not':
    'To apply it alone takes the permission approval.override, and the one for the change itself.',
  'proposal-glass-wants': 'To apply it alone takes the decision "confirm" and a reason.',
  'proposal-glass-confirm': 'only goes with the decision "confirm"',
  'would-become': 'is {{before}} now; would become {{after}}',

  // Why a request is refused, by what it asks and by how it is put.
  'order-drained': 'report its end',
  'order-fail': 'fail',
  'agent-cannot': 'The agent {{agent}} is {{status}}; it cannot be told to {{order}} now.',
  'agent-takes-none':
    'The agent {{agent}} is {{status}} and takes no tasks. Start it first: POST /agents/{{id}}/start.',
  'agent-to-itself': 'The agent {{agent}} cannot give a task to itself.',
  'no-template': 'There is no template "{{template}}". GET /agents/templates lists them.',
  'not-a-template': 'is not one of the templates',
  'no-secret-here': 'There is no secret {{name}} here. An admin can add it in Settings.',
  'secret-unrecorded': 'The use of a secret could not be recorded, so it was not opened.',
  'secret-other-key':
    'The secret {{name}} was stored under another master key. Put that key back, or set the value again.',
  'secret-damaged': 'The stored value of {{name}} has been damaged. Set it again.',
  'secret-value-long': 'A value may have {{most}} characters.',
  'not-a-secret': 'is not the name of a secret',
  'url-no-user': 'must not hold a user or password',
  'must-name-model': 'must name a model',
  'value-or-secret': 'is needed, or secretRef, and not both',
  'must-differ': 'has to differ from the present one',
  'expiry-passed': 'expiresAt has passed already.',
  'must-be-future': 'has to be in the future',
  'no-role': 'There is no role {{role}}.',
  'not-a-role': 'is not the name of a role',
  'upload-missing': 'Send one file as multipart/form-data in the field "file".',
  'file-name-rule': '1 to 255 characters, with no slash, backslash or control character',
  'upload-broken':
    'The multipart body is cut off or not well-formed. Send it whole, with its boundary in Content-Type.',
  'given-twice': '"{{name}}" is given twice',
  'no-artifact': 'there is no artifact {{id}}',
  'no-secret-named': 'there is no secret "{{name}}"',
  'args-only-continue': 'only go with the decision "continue"',
  'args-of-caller': "are the caller's; approve the call as it is, or abort it",
  'args-of-several':
    'stay as they were asked for where others have to approve them: an edit would be your own request. Approve them as they are, or say no',
  'glass-wants': 'To decide alone takes the decision "continue" and a reason.',
  'glass-for-yes': 'only goes with the decision "continue"',
  'glass-reason': 'says why it cannot wait, in words',
  'approvers-only-approve': 'only go with the effect "approve"',
  'args-called-already': 'the call was made already and cannot be another one',
  'args-secrets-only': 'may refer to secrets only; write the value itself',
  'launch-characters':
    'The command has characters that no approved command has. Allowed are "npx" and "node".',
  'launch-argument-long': 'Argument {{n}} is longer than {{most}} bytes.',
  'launch-argument-controls': 'Argument {{n}} has control characters.',
  'launch-argument-shell': 'Argument {{n}} has characters of a shell.',
  'launch-argument-runs': 'Argument {{n}}: options that run code or load modules are not allowed.',
  'launch-command':
    '"{{command}}" is not an approved command. Allowed are "npx <package>" and "node <script of a server>".',
  'launch-package':
    'After "npx -y" stands the name of a package in the registry, with a version if you like: no options, URLs or paths.',
  'launch-interpreter':
    'The package "{{name}}" runs whatever it is given; name the package of the server itself.',
  'launch-package-not-listed':
    'The package "{{name}}" is not among those that may be downloaded and run here. Who may change the settings can add it to gateway.npmPackages, best with its version, as name@1.2.3.',
  'launch-downloads': 'Downloads the npm package {{name}} and runs it on this machine.',
  'launch-no-script':
    'After "node" stands the script of a server in node_modules/@modelcontextprotocol or in the folder mcp-servers of the data folder, and no option.',
  'launch-script':
    '"{{script}}" is not the script of a server in node_modules/@modelcontextprotocol or in the folder mcp-servers of the data folder.',
  'call-key-reused': '{{tool}} was called under this idempotency key with other arguments.',
  'url-holds-user': 'holds a user or a password; keep those as a secret and name it in auth',
  'url-holds-fragment': 'holds a fragment',
  'url-metadata': 'is an address of the metadata service of this machine',
  'no-secret-outside': 'There is no secret named "{{name}}" outside the projects.',
  'url-not-in-document': 'is missing: the document names no absolute address of the service',
  'document-no-tool': 'No operation of the document can be made a tool.',
  'has-no-tool': 'has no operation that can be made a tool',
  'document-address': 'The address of the document is not allowed.',
  'document-unreadable': 'The document cannot be read. {{why}}',
  'document-away': 'It could not be fetched: {{why}}.',
  'document-status': 'It could not be fetched: {{host}} answered with {{status}}.',
  'document-no-syntax': 'It is neither JSON nor YAML: {{why}}',
  'document-no-object': 'It is neither JSON nor YAML of an object.',
  'document-version': 'It says not "openapi": "3.0.x" or "3.1.x".',
  'document-no-paths': 'It has no "paths".',
  'document-many-servers': 'The document has more than {{most}} servers.',
  'limits-uncounted': 'The limits of this call cannot be counted at present.',
  'policies-unreadable':
    'The policies cannot be read, so nothing is called. An admin has to save them anew.',
  'rule-id-twice': 'is the id of an earlier rule',
  'value-not-taken': 'is not taken by "exists"',
  'must-be-list': 'must be a list',
  'must-be-number': 'must be a number',
  'must-be-text': 'must be text',
  'must-be-pattern': 'must be a pattern',
  'pattern-long': 'is longer than {{most}} characters',
  'pattern-none': 'is no pattern of RE2: {{why}}',
  'if-match-missing': 'Send If-Match with the ETag of the version that you changed.',
  'if-match-weak':
    'If-Match holds a weak ETag, which matches no version. Send it without W/, as it was before a proxy weakened it.',
  'if-match-unknown': 'If-Match is not an ETag that this document has had. Read it again.',
  'version-moved':
    'It is at version {{present}} now; yours was made on version {{base}}. Read it again and repeat the change.',
  'cursor-as-given': 'Use the nextCursor of the previous page as it was given.',
  'cursor-of-list': 'Use the nextCursor of the previous page of this list, as it was given.',
  'body-no-json': 'The body is not valid JSON.',
  'body-deep': 'The body is nested deeper than {{most}} levels.',
  'send-json': 'Send JSON: Content-Type: application/json.',
  'json-charset': 'JSON is read as UTF-8; this charset is not supported.',
  'body-compressed': 'Compressed bodies are not taken; send it plain.',
  'body-no-utf8': 'The body is not valid UTF-8.',
  'body-cut': 'The connection ended in the middle of the body.',
  'body-large':
    'JSON bodies may have {{most}} MB. Upload files to POST /api/artifacts and refer to them.',
  'key-form': 'Idempotency-Key takes 1 to 255 visible ASCII characters.',
  'key-rule': '1 to 255 visible ASCII characters',
  'key-in-progress': 'Wait for the first request with this key to end, or use a new key.',
  'key-reused': 'Use a new Idempotency-Key for a request with another body.',
  'key-shown-once':
    'This was done at the first request. Its answer was shown once and is not kept; make a new one if it was lost.',
  'in-key': 'the key {{what}}',
  'key-twice': 'stands there twice, and only the last one would count',
  'holds-nul': 'holds a NUL character, which cannot be stored',
  'holds-half-pair': 'holds half of a surrogate pair, which is no character',
  'number-infinite': 'is a number too large to be passed on',
  'number-rounded':
    'is a number of more digits than can be passed on, and would become another one; send it as text',
  'last-event-id': 'Last-Event-ID is the id of an event: a whole number.',
  'no-whole-number': 'is not a whole number',
  'logged-under-trace': 'It has been logged under the trace of this answer.',
  'file-too-large': 'The file is larger than is taken here.',
  'multipart-unexpected': 'The multipart body is not as expected.',
  'request-ill-formed': 'The request is not well-formed.',
  'sign-in-first': 'Sign in, or send a token.',
  'not-allowed': 'You may not do this.',
  'no-route': 'There is no such route. GET /api/openapi.json lists them.',
  'method-not-here': 'This method is not served here.',
  'state-conflict': 'The request conflicts with the present state.',
  'body-too-large': 'The body is too large.',
  'media-type-not-here': 'This media type is not taken here.',
  'wait-a-moment': 'Wait a moment.',
  'try-in-a-moment': 'Try again in a moment.',
  'call-given-up': '{{why}} The call was given up; it may have had its effect.',
  'client-gone': 'The client has gone.',
  'headers-long':
    'The address and the headers may have 16 kB together. Send long values in the body.',
  'request-slow': 'The request was not sent to its end in time.',
  'no-request': 'This is not a request in HTTP/1.1.',
  'no-handshake': 'This does not open a WebSocket of version 13: {{message}}.',
  'sign-in-at-login': 'Sign in at POST /auth/login, or send a token.',
  'csrf-missing': 'Send the csrfToken of GET /auth/me in the header x-csrf-token.',
  'host-twice': 'A request has one Host header.',
  'transfer-coding': 'A body may be chunked; no other Transfer-Encoding is understood here.',
  'authorization-twice': 'A request has one Authorization header.',
  'host-elsewhere': 'The request is for another server.',
  'host-unknown':
    'The Host header names another server. Set AOS_PUBLIC_URL to the URL that people use.',
  'origin-elsewhere': 'Pages of another origin may not call this server.',
  'method-takes': '{{path}} takes {{methods}}, not {{method}}.',
  'path-bad-escape':
    'The path holds a % that does not begin an escaped byte of UTF-8. Write a plain % as %25.',

  // Whether a call would be allowed.
  'access-disabled': '{{who}} is disabled.',
  'access-no-role': 'No role of {{who}} holds {{permission}} {{where}}.',
  'access-no-scope': "Your roles hold {{permission}}, but this token's scopes do not.",
  'access-held': '{{who}} holds {{permission}} {{where}} as {{via}}.',
} as const;

export type SentenceCode = keyof typeof sentences;

/** What the schemas of the contract say in words of their own. */
export const fieldRules = [
  'rule-years',
  'rule-shown-name',
  'rule-server-name',
  'rule-token-url',
  'rule-exchange',
  'rule-url',
  'rule-stdio-command',
  'rule-stdio-url',
  'rule-url-command',
  'rule-tool-pattern',
  'rule-json-pointer',
  'rule-policy-id',
  'rule-json-length',
  'rule-issuer-audience',
  'rule-nothing-to-change',
  'rule-many-filters',
  'rule-text-or-steps',
  'rule-auth-name',
  'rule-document',
  'rule-servers',
  'rule-step-id',
  'rule-tool-name',
  'rule-agent-name',
  'rule-version',
  'rule-npm-package',
  'rule-media-type',
  'rule-scope',
  'rule-domain',
  'rule-header-name',
  'rule-plain',
] as const satisfies readonly SentenceCode[];

/** What fills a blank: a list is told as one ("a, b and c"), a sentence within the sentence in the same language. */
export type Filling = string | number | Said | readonly Filling[];
type BlanksIn<Text extends string> = Text extends `${string}{{${infer Blank}}}${infer Rest}`
  ? Blank | BlanksIn<Rest>
  : never;
type Fillings<Code extends SentenceCode> = Record<BlanksIn<(typeof sentences)[Code]>, Filling>;

/** The sentence of a code, with each of its blanks filled. */
export const say = <Code extends SentenceCode>(
  code: Code,
  ...[params]: keyof Fillings<Code> extends never ? [] : [Fillings<Code>]
): Said => (params === undefined ? { code } : { code, params });

/** How a language puts sentences together. `textOf` has no text for a code that it does not know. */
export interface Tongue {
  textOf(code: string): string | undefined;
  number(value: number): string;
  list(items: readonly string[]): string;
  /** Sentences one after the other. */
  join(texts: readonly string[]): string;
}

/**
 * Sentences one after the other. Null where there is none, and where one of them, or one within them, has no text in
 * this language; `said` may come from elsewhere and be anything.
 */
export function told(said: unknown, tongue: Tongue): string | null {
  const texts = [said].flat().map((each) => (isSaid(each) ? tell(each, tongue) : null));
  return texts.length === 0 || texts.includes(null) ? null : tongue.join(texts as string[]);
}

function tell({ code, params = {} }: Said, tongue: Tongue): string | null {
  const text = tongue.textOf(code);
  if (text === undefined) return null;
  let isWhole = true;
  const filled = text.replace(/{{(\w+)}}/g, (_, blank: string) => {
    const filling = Object.hasOwn(params, blank) ? fill(params[blank], tongue) : null;
    isWhole &&= filling !== null;
    return filling ?? '';
  });
  return isWhole ? filled : null;
}

/** What comes from elsewhere may be anything: then the sentence cannot be told. */
function fill(value: unknown, tongue: Tongue): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return tongue.number(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => fill(item, tongue));
    return items.includes(null) ? null : tongue.list(items as string[]);
  }
  return isSaid(value) ? tell(value, tongue) : null;
}

function isSaid(value: unknown): value is Said {
  if (typeof value !== 'object' || value === null || !('code' in value)) return false;
  const params = 'params' in value ? value.params : {};
  return typeof value.code === 'string' && typeof params === 'object' && params !== null;
}

/** Making one takes longer than all else that a sentence needs. */
const numbers = new Intl.NumberFormat('en-US', { maximumFractionDigits: 6 });

const english: Tongue = {
  textOf: (code) => (Object.hasOwn(sentences, code) ? sentences[code as SentenceCode] : undefined),
  number: (value) => numbers.format(value),
  list: (items) =>
    items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)!}`,
  join: (texts) => texts.join(' '),
};

/** The first of the faults, each told whole, and that there are more. */
export const oneByOne = (faults: readonly Said[], most: number): Filling =>
  [...faults.slice(0, most), ...(faults.length > most ? ['…'] : [])].reduceRight<Filling | null>(
    (rest, first) => (rest === null ? first : say('and-then', { first, rest })),
    null,
  ) ?? '';

/** @throws Error for a code that is none, or a blank that nothing fills: a mistake of the caller. */
export function inEnglish(said: Said | readonly Said[]): string {
  const text = told(said, english);
  if (text === null) throw new Error(`a sentence is not whole: ${JSON.stringify(said)}`);
  return text;
}
