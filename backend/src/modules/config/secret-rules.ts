import { say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';

const MOST_CHARACTERS = 65_536;

/**
 * Names that a program reads before it does anything else: as variables of a tool's process they would
 * choose what it runs, not what it knows.
 */
const loaders = new Set([
  'PATH',
  'HOME',
  'SHELL',
  'USER',
  'LOGNAME',
  'IFS',
  'ENV',
  'BASH_ENV',
  'CDPATH',
  'PS4',
  'PROMPT_COMMAND',
  'SHELLOPTS',
  'BASHOPTS',
  'GLOBIGNORE',
  'TMPDIR',
  'PYTHONPATH',
  'PYTHONHOME',
  'PYTHONSTARTUP',
  'PYTHONINSPECT',
  'PERL5LIB',
  'PERL5OPT',
  'PERL5DB',
  'RUBYOPT',
  'RUBYLIB',
  'JAVA_TOOL_OPTIONS',
  'JDK_JAVA_OPTIONS',
  'CLASSPATH',
  'GCONV_PATH',
  'LOCPATH',
  'NLSPATH',
  'HOSTALIASES',
  'RESOLV_HOST_CONF',
  'MALLOC_TRACE',
  'TERMINFO',
  'EDITOR',
  'VISUAL',
  'PAGER',
  'BROWSER',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'DATABASE_URL',
  'GLIBC_TUNABLES',
  'SSH_ASKPASS',
  'COMSPEC',
  'XDG_CONFIG_HOME',
  // Where npx looks for settings of its own, among them which options node is started with.
  'PREFIX',
]);
const loaderPrefixes = ['LD_', 'DYLD_', 'NODE_', 'NPM_', 'GIT_', 'BASH_FUNC_', 'AOS_', 'OTEL_'];

export function requireSecretName(name: string): void {
  if (!/^[A-Z][A-Z0-9_]{0,127}$/.test(name))
    throw new AosError('secret_name_invalid', say('secret-name'));
  if (loaders.has(name) || loaderPrefixes.some((prefix) => name.startsWith(prefix)))
    throw new AosError(
      'secret_name_invalid',
      say('secret-name-risky', { name, own: `MY_${name}` }),
    );
}

/** One line of text, or PEM blocks, which are lines of a known form. */
const pem =
  /^(-----BEGIN [A-Z0-9 ]{1,60}-----\r?\n(?:[A-Za-z0-9+/=]{1,80}\r?\n)+-----END [A-Z0-9 ]{1,60}-----\s*)+$/;

export function requireSecretValue(value: string): void {
  if (value.length > MOST_CHARACTERS)
    throw new AosError('secret_value_invalid', say('secret-value-long', { most: MOST_CHARACTERS }));
  if (/[\x00-\x1f\x7f]/.test(value) && !pem.test(value))
    throw new AosError('secret_value_invalid', say('secret-value-lines'));
}
