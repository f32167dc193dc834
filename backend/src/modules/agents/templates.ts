import { type AgentConfig, type AgentTemplate, inEnglish, say } from '@aos/contracts';

/** Places in data as people know them from the FAA's reports of bird strikes; see ops/demo/data/SOURCE.md. */
const DAMAGE = 'Effect Amount of damage';

/**
 * What agents are made from. The data analyst's standard way of work profiles a table, asks before it writes
 * anything, cleans it, draws two pictures side by side, and reports, with the numbers of those who made them.
 */
export const agentTemplates: readonly AgentTemplate[] = [
  template('data-analyst', {
    prompt:
      'You are a careful data analyst. Look at the data before you touch it, never change the original, say what you left out and why, and let every number in the report come from a step that computed it.',
    tools: ['skills.*', 'env.*'],
    env: [],
    concurrency: 2,
    sop: [
      { id: 'profile', tool: 'skills.csv.profile', args: { file: '${inputs.birdstrikes}' } },
      {
        id: 'clean',
        tool: 'skills.csv.clean',
        needs: ['profile'],
        approval: 'required',
        args: {
          file: '${inputs.birdstrikes}',
          rules: {
            allowed: { [DAMAGE]: ['None', 'Minor', 'Medium', 'Substantial'] },
            dropDuplicates: true,
          },
        },
      },
      {
        id: 'by-month',
        tool: 'skills.viz.plot',
        needs: ['clean'],
        args: {
          file: '${steps.clean.artifactId}',
          kind: 'bar',
          x: 'Flight Date',
          bucket: 'month-of-year',
          noun: 'strikes',
          source: 'FAA Wildlife Strike Database, 1990 to 2002, 50 airports',
        },
      },
      {
        id: 'by-species',
        tool: 'skills.viz.plot',
        needs: ['clean'],
        args: {
          file: '${steps.clean.artifactId}',
          kind: 'bar',
          x: 'Wildlife Species',
          top: 12,
          noun: 'strikes',
          source: 'FAA Wildlife Strike Database, 1990 to 2002, 50 airports',
        },
      },
      {
        id: 'report',
        tool: 'skills.text.report',
        needs: ['profile', 'clean', 'by-month', 'by-species'],
        args: {
          title: 'Bird strikes',
          sections: [
            {
              heading: 'What was looked at',
              list: [
                '${steps.clean.rowsIn} reports were read; ${steps.clean.rowsOut} are counted below.',
                '${steps.clean.dropped.duplicates} equal an earlier report in every column and were left out.',
                '${steps.clean.rejected.count} could not be parsed; they are listed at the end.',
                'These are reports from 50 airports: counts, not rates, and not the national total.',
              ],
            },
            {
              heading: '${steps.by-month.title}',
              image: '${steps.by-month.png}',
              table: {
                columns: ['x', 'y'],
                labels: ['Month', 'Strikes'],
                rows: '${steps.by-month.data}',
              },
            },
            {
              heading: '${steps.by-species.title}',
              image: '${steps.by-species.png}',
              table: {
                columns: ['x', 'y'],
                labels: ['Species', 'Strikes'],
                rows: '${steps.by-species.data}',
              },
            },
            {
              heading: 'Reports that could not be parsed',
              text: '${steps.clean.rejected.count} reports hold a damage code that is not documented. The first of them:',
              table: {
                columns: ['line', 'value', 'reason'],
                labels: ['Line', 'Value', 'Why'],
                rows: '${steps.clean.rejected.sample}',
              },
            },
          ],
        },
      },
    ],
  }),
  template('blank', { prompt: '', sop: [], tools: [], env: [], concurrency: 2 }),
];

function template(name: 'data-analyst' | 'blank', config: AgentConfig): AgentTemplate {
  const said = { title: say(`template-${name}`), description: say(`template-${name}-does`) };
  const [title, description] = [inEnglish(said.title), inEnglish(said.description)];
  return { name, title, description, said, config };
}
