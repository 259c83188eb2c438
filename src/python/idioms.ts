/** What to tell people whose layer was written for Python 2, or for an older numpy: by what Python 3 says of it. */

import { own } from '../diagnostics/index.js';

interface Idiom {
  /** Of the exception's type and message, as `Type: message`. */
  readonly sign: RegExp;
  readonly hint: (match: RegExpExecArray) => string;
}

const RENAMED: Readonly<Record<string, string>> = {
  xrange: 'range',
  raw_input: 'input',
  unicode: 'str',
  basestring: 'str',
  long: 'int',
  unichr: 'chr',
  reduce: 'functools.reduce',
  reload: 'importlib.reload',
  file: 'open',
  execfile: 'exec(open(path).read())',
};

const MOVED: Readonly<Record<string, string>> = {
  cPickle: 'pickle',
  Queue: 'queue',
  StringIO: 'io',
  cStringIO: 'io',
  ConfigParser: 'configparser',
  urllib2: 'urllib.request',
  urlparse: 'urllib.parse',
  __builtin__: 'builtins',
  itertools: 'the built-in zip, map and filter',
};

const since2 = (text: string) => `This is Python 2; the process runs Python 3. ${text}`;

const IDIOMS: readonly Idiom[] = [
  {
    sign: /^SyntaxError: Missing parentheses in call to '(print|exec)/,
    hint: ([, name]) => since2(`Write ${name}(…) with parentheses.`),
  },
  {
    sign: /^TypeError: unsupported operand type\(s\) for >>: 'builtin_function_or_method'/,
    hint: () => since2('Instead of print >> f, x write print(x, file=f).'),
  },
  {
    sign: /^SyntaxError: multiple exception types must be parenthesized/,
    hint: () => since2('Instead of except E, e: write except E as e:.'),
  },
  {
    sign: /^SyntaxError: leading zeros in decimal integer literals/,
    hint: () => since2('Octal numbers are written 0o644.'),
  },
  {
    sign: /^TabError|^SyntaxError: inconsistent use of tabs/,
    hint: () => since2('Indent with spaces only (expand -t 8 turns tabs into them).'),
  },
  {
    sign: new RegExp(`^NameError: (?:global )?name '(${Object.keys(RENAMED).join('|')})' is not defined`),
    hint: ([, name]) => since2(`Instead of ${name} write ${own(RENAMED, name!)}.`),
  },
  {
    sign: /^AttributeError: .* has no attribute '(iteritems|iterkeys|itervalues|has_key)'/,
    hint: ([, name]) =>
      since2(name === 'has_key' ? 'Instead of d.has_key(k) write k in d.' : `Write d.${name!.slice(4)}().`),
  },
  {
    sign: /^AttributeError: 'generator' object has no attribute 'next'|object has no attribute 'next'/,
    hint: () => since2('Instead of it.next() write next(it).'),
  },
  {
    sign: new RegExp(`^(?:ModuleNotFoundError|ImportError): No module named '?(${Object.keys(MOVED).join('|')})\\b`),
    hint: ([, name]) => since2(`The module ${name} is ${own(MOVED, name!)} now.`),
  },
  {
    sign: /^ImportError: cannot import name '(izip|imap|ifilter)'/,
    hint: ([, name]) => since2(`Instead of ${name} write ${name!.slice(1)}.`),
  },
  {
    sign: /'float' object cannot be interpreted as an integer|slice indices must be integers|indices must be integers|only integers, slices|is a float; in Python 3/,
    hint: () => since2('/ of two whole numbers gives a float here; // gives the whole number that Python 2 gave.'),
  },
  {
    sign: /^TypeError: '(map|filter|zip|dict_keys|dict_values|dict_items|range)' object (?:is not subscriptable|does not support|is not an iterator)|^TypeError: object of type '(map|filter|zip)' has no len/,
    hint: match => since2(`${match[1] ?? match[2]} gives no list here; write list(…) around it.`),
  },
  {
    sign: /^AttributeError: module 'numpy' has no attribute '(float|int|bool|object|str|long)'/,
    hint: ([, name]) =>
      `numpy has lost this alias (1.24): write ${name === 'float' ? 'float or np.float32' : name === 'long' ? 'int' : name}.`,
  },
  {
    sign: /^(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)/,
    hint: ([, name]) =>
      `The layer needs ${name}: install it for this interpreter, or put its file beside the layer's. --python names another interpreter.`,
  },
];

/** How to mend an exception, where it is one of the well-known kinds. */
export function hintFor(type: string, message: string): string | undefined {
  const text = `${type}: ${message}`;
  for (const { sign, hint } of IDIOMS) {
    const match = sign.exec(text);
    if (match) return hint(match);
  }
  return undefined;
}
