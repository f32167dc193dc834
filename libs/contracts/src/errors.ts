/**
 * Every error code that AOS answers with, once. A code is part of the contract: the console and outside
 * clients branch on it, so a code is never renamed, only added. `status` is the HTTP status it travels with.
 */
export const errorCodes = {
  // the request itself
  validation_failed: { status: 400, title: 'The request does not fit its schema' },
  malformed_request: { status: 400, title: 'The request could not be read' },
  malformed_body: { status: 400, title: 'The body could not be parsed' },
  invalid_cursor: { status: 400, title: 'The cursor is not one that this list gave out' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported here' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  already_exists: { status: 409, title: 'Something by that name exists' },
  idempotency_key_reused: { status: 409, title: 'The idempotency key was used with another body' },
  idempotency_in_progress: {
    status: 409,
    title: 'The first request with this key is still running',
  },
  precondition_required: { status: 428, title: 'If-Match is required' },
  precondition_failed: { status: 412, title: 'The document has changed since it was read' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not available right now' },
  // who and whether
  unauthenticated: { status: 401, title: 'Sign in first' },
  invalid_credentials: { status: 401, title: 'E-mail or password is wrong' },
  second_factor_needed: { status: 401, title: 'A code of your second factor is needed' },
  second_factor_wrong: { status: 401, title: 'The code is not right' },
  second_factor_required: { status: 403, title: 'Set up a second factor first' },
  forbidden: { status: 403, title: 'You may not do this' },
  origin_refused: { status: 403, title: 'The origin is not allowed' },
  csrf_refused: { status: 403, title: 'The request did not come from the console' },
  wrong_password: { status: 403, title: 'The present password is wrong' },
  wrong_code: { status: 403, title: 'The code is not right' },
  last_owner: { status: 409, title: 'The last owner cannot be taken away' },
  // plans and jobs
  plan_invalid: { status: 422, title: 'The plan has faults' },
  unknown_agent: { status: 422, title: 'There is no such agent' },
  unknown_artifact: { status: 422, title: 'There is no such artifact' },
  unknown_secret: { status: 422, title: 'There is no such secret' },
  job_not_cancellable: { status: 409, title: 'The job has ended' },
  job_not_finished: { status: 409, title: 'The job is still running' },
  step_unknown: { status: 422, title: 'The run has no such step' },
  project_archived: { status: 409, title: 'The project is in the archive' },
  too_many_blueprints: { status: 409, title: 'The project has too many blueprints' },
  inputs_invalid: { status: 422, title: 'The inputs are not those that the blueprint takes' },
  too_many_views: { status: 409, title: 'There are too many saved views' },
  // approvals
  approval_decided: { status: 409, title: 'The approval has been decided' },
  approval_expired: { status: 409, title: 'The approval has expired' },
  approval_void: { status: 409, title: 'What was to be approved has changed' },
  approval_args_invalid: {
    status: 422,
    title: 'The edited arguments do not fit the schema of the tool',
  },
  self_approval: { status: 403, title: 'A second person has to decide this' },
  already_voted: { status: 409, title: 'You have said so already' },
  not_an_approver: { status: 403, title: 'Others have to decide this' },
  // changes that a second person confirms
  proposal_decided: { status: 409, title: 'The proposal has been decided' },
  proposal_expired: { status: 409, title: 'The proposal has expired' },
  proposal_void: { status: 409, title: 'What the proposal was made on has changed' },
  too_many_proposals: { status: 409, title: 'Too many proposals wait' },
  nobody_to_confirm: { status: 422, title: 'Nobody else could confirm such a change' },
  // tools
  unknown_server: { status: 404, title: 'There is no such server' },
  unknown_tool: { status: 404, title: 'There is no such tool' },
  tool_args_invalid: { status: 422, title: 'The arguments do not fit the schema of the tool' },
  tool_failed: { status: 502, title: 'The tool failed' },
  tool_timeout: { status: 504, title: 'The tool took too long' },
  server_unreachable: { status: 502, title: 'The server could not be reached' },
  policy_denied: { status: 403, title: 'A policy forbids this call' },
  approval_required: { status: 403, title: 'Somebody has to approve this call first' },
  insufficient_scope: { status: 403, title: 'The token or grant does not reach this tool' },
  grant_invalid: { status: 403, title: 'The capability grant is not valid' },
  tool_quarantined: { status: 409, title: 'The definition of the tool waits for approval' },
  quota_exceeded: { status: 429, title: 'The quota for today is used up' },
  circuit_open: {
    status: 503,
    title: 'The server fails at present and is left alone for a moment',
  },
  launch_refused: { status: 422, title: 'The launch command is not allowed' },
  // agents
  agent_state: { status: 409, title: 'The agent is not in a state for this' },
  // secrets and settings
  secret_name_invalid: { status: 422, title: 'The name of the secret is not allowed' },
  secret_value_invalid: { status: 422, title: 'The value of the secret is not allowed' },
  vector_unavailable: { status: 503, title: 'Vector search is off: pgvector is missing' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCodes;
