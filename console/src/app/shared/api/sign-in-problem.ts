import type { Problem } from '@aos/contracts';

const NAME = 'aos_sign_in_problem';

/**
 * What went wrong on the way back from a provider, as the server said it: in a cookie that it alone sets, since whatever
 * stood in the address could be written by whoever makes a link. It ends by
 * itself within a minute, and before where it was shown.
 */
export function signInProblem(): Problem | null {
  const pair = document.cookie.split('; ').find((each) => each.startsWith(`${NAME}=`));
  if (!pair) return null;
  try {
    const bytes = Uint8Array.from(
      atob(
        pair
          .slice(NAME.length + 1)
          .replaceAll('-', '+')
          .replaceAll('_', '/'),
      ),
      (each) => each.charCodeAt(0),
    );
    const problem = JSON.parse(new TextDecoder().decode(bytes)) as Problem;
    return typeof problem.code === 'string' && typeof problem.title === 'string' ? problem : null;
  } catch {
    return null; // nothing that the server has set
  }
}

export function forgetSignInProblem(): void {
  document.cookie = `${NAME}=; path=/console; max-age=0`;
}
