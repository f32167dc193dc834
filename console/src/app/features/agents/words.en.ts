export const words = {
  lead: 'Who does the work. Creating and editing agents joins this room with a later version; the API has it now.',
  none: 'No agents yet. Create one with POST /agents.',
  status: { running: 'Running', stopped: 'Stopped', draining: 'Draining', failed: 'Failed' },
  start: 'Start',
  stop: 'Stop',
  registered: 'a tool itself',
  registeredHelp: 'Registered with the gateway: other agents can call it',
  load: '{{running}} running, {{queued}} queued',
  replicas: 'replicas: {{n}}',
  tools: 'tools: {{n}}',
};
