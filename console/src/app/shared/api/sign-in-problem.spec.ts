import { forgetSignInProblem, signInProblem } from './sign-in-problem';

const set = (value: string) => (document.cookie = `aos_sign_in_problem=${value}`);
const problem = {
  code: 'sign_in_refused',
  title: '未能登录',
  status: 403,
  detail: 'ü',
  traceId: 'a',
};
const asServer = (value: unknown) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

afterEach(() => (document.cookie = 'aos_sign_in_problem=; max-age=0'));

it('is what the server set, in whatever letters, and null for what is none', () => {
  expect(signInProblem()).toBeNull();
  set(asServer(problem));
  expect(signInProblem()).toEqual(problem);
  for (const none of ['!', asServer(null), asServer({}), asServer('x'), asServer({ code: 1 })]) {
    set(none);
    expect([none, signInProblem()]).toEqual([none, null]);
  }
});

it('is forgotten where the console is', () => {
  history.replaceState(null, '', '/console/sign-in');
  document.cookie = `aos_sign_in_problem=${asServer(problem)}; path=/console`;
  expect(signInProblem()).toEqual(problem);
  forgetSignInProblem();
  expect(signInProblem()).toBeNull();
});
