interface Issue {
  path: (string | number)[];
  message: string;
}

const MOST_TOLD = 5;

/**
 * What the SDK's validator found, as `params.cursor: Invalid input: expected string, received number`. It puts all that
 * it found into its message as a list in JSON, alone or behind a few words. Undefined of any other message.
 */
export function validatorWords(message: string): string | undefined {
  const [list] = /\[\n[\s\S]*\]$/.exec(message) ?? [];
  if (list === undefined) return undefined;
  try {
    return (JSON.parse(list) as Issue[])
      .slice(0, MOST_TOLD)
      .map(({ path, message: what }) => `${path.join('.') || 'the whole'}: ${what}`)
      .join('; ');
  } catch {
    return undefined; // it only looks like one
  }
}
