import { inEnglish } from '@aos/contracts';
import { readGoal } from './goal-grammar.js';

const strikes = {
  input: 'data',
  artifactId: 'c0ffee00-0000-4000-8000-000000000001',
  fileName: 'birdstrikes.csv',
  columns: [
    'Airport Name',
    'Flight Date',
    'Effect Amount of damage',
    'Wildlife Species',
    'Cost Total $',
  ],
};
const other = {
  ...strikes,
  input: 'prices',
  artifactId: 'x',
  fileName: 'prices.csv',
  columns: ['Day', 'Price'],
};
const tools = new Set([
  'skills.csv.profile',
  'skills.csv.clean',
  'skills.viz.plot',
  'skills.text.report',
]);

/** The steps, short: `id tool {args}`. */
const read = (goal: string, files = [strikes]) => {
  const reading = readGoal(goal, files, tools);
  return 'needs' in reading
    ? inEnglish(reading.needs)
    : reading.steps.map(({ id, tool, args }) => [id, tool.slice(7), args]);
};
const input = '${inputs.data}';

test.each(['list-of-birds.csv', 'salt-and-pepper.csv', 'then.csv', 'my-file-in-the-end.csv'])(
  'the words of the grammar are none within a file name: %s',
  (fileName) => {
    const files = [{ ...strikes, fileName }, other];
    expect(read(`profile ${fileName} and clean ${fileName}`, files)).toEqual([
      ['profile', 'csv.profile', { file: input }],
      ['clean', 'csv.clean', { file: input }],
    ]);
  },
);

describe('a goal that names skills and files', () => {
  test.each<[string, unknown]>([
    ['profile birdstrikes.csv', [['profile', 'csv.profile', { file: input }]]],
    ['Profile the file.', [['profile', 'csv.profile', { file: input }]]],
    ['describe data', [['profile', 'csv.profile', { file: input }]]],
    ['skills.csv.profile birdstrikes.csv', [['profile', 'csv.profile', { file: input }]]],
    ['skills.csv.profile', [['profile', 'csv.profile', { file: input }]]],
    ['csv.profile birdstrikes.csv', [['profile', 'csv.profile', { file: input }]]],
    ['Run csv.profile on birdstrikes.csv', [['profile', 'csv.profile', { file: input }]]],
    ['use skills.csv.profile on the file', [['profile', 'csv.profile', { file: input }]]],
    [
      'csv.clean birdstrikes.csv, then viz.plot strikes by species',
      [
        ['clean', 'csv.clean', { file: input }],
        [
          'plot',
          'viz.plot',
          {
            file: '${steps.clean.artifactId}',
            kind: 'bar',
            x: 'Wildlife Species',
            noun: 'strikes',
          },
        ],
      ],
    ],
    ['clean it', [['clean', 'csv.clean', { file: input }]]],
    [
      'Clean birdstrikes.csv and plot strikes by month',
      [
        ['clean', 'csv.clean', { file: input }],
        [
          'plot',
          'viz.plot',
          {
            file: '${steps.clean.artifactId}',
            kind: 'line',
            x: 'Flight Date',
            bucket: 'month',
            noun: 'strikes',
          },
        ],
      ],
    ],
    [
      'plot strikes by species',
      [['plot', 'viz.plot', { file: input, kind: 'bar', x: 'Wildlife Species', noun: 'strikes' }]],
    ],
    [
      'plot a bar chart of strikes by month-of-year',
      [
        [
          'plot',
          'viz.plot',
          { file: input, kind: 'bar', x: 'Flight Date', bucket: 'month-of-year', noun: 'strikes' },
        ],
      ],
    ],
    [
      'plot mean cost total by "Airport Name" as a bar',
      [
        [
          'plot',
          'viz.plot',
          { file: input, kind: 'bar', x: 'Airport Name', y: 'Cost Total $', aggregate: 'mean' },
        ],
      ],
    ],
    [
      'plot by year of flight date',
      [['plot', 'viz.plot', { file: input, kind: 'line', x: 'Flight Date', bucket: 'year' }]],
    ],
  ])('%s', (goal, steps) => expect(read(goal)).toEqual(steps));

  test('a report tells of the steps before it', () => {
    const steps = read(
      'profile it, plot strikes by species then write a short report "Bird strikes"',
    );
    expect(steps).toMatchObject([
      ['profile', 'csv.profile', {}],
      ['plot', 'viz.plot', {}],
      ['report', 'text.report', { title: 'Bird strikes' }],
    ]);
  });

  test('two files are told apart by name', () => {
    expect(read('profile prices.csv and profile birdstrikes.csv', [strikes, other])).toEqual([
      ['profile', 'csv.profile', { file: '${inputs.prices}' }],
      ['profile-2', 'csv.profile', { file: input }],
    ]);
  });
});

describe('a goal that is not understood whole is not begun', () => {
  test.each([
    ['make me rich', /"make me rich" names no skill/],
    ['profile birdstrikes.csv and send it to Bob', /"send it to Bob" names no skill/],
    ['profile other.csv', /"other.csv" names none of the attached files \(birdstrikes.csv\)/],
    ['profile birdstrikes.csv carefully', /"carefully" is not understood/],
    ['plot strikes', /does not say by what/],
    ['plot strikes by weather', /has no column "weather"; it has Airport Name/],
    ['write a report', /something to report on/],
    ['and', /empty/],
  ])('%s', (goal, needs) => expect(read(goal)).toMatch(needs));

  test('no file, or two and none named', () => {
    expect(read('profile it', [])).toMatch(/no file is attached/);
    expect(read('profile it', [strikes, other])).toMatch(/names none of the attached files/);
  });
});
