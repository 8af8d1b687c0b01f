/**
 * Lint: typescript-eslint's strict rules with types, the arrows between the folders, and what the pure folders may not
 * touch. `test/layering/layering.test.ts` proves that the arrows bite.
 */
import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const FOLDERS = [
  'crypto',
  'config',
  'consensus',
  'ledger',
  'fraud',
  'p2p',
  'client',
  'node',
  'devnet',
  'cli',
  'bench',
  'test',
]

/** folder → folders it may import from. Its own folder always. */
const MAY_IMPORT = {
  crypto: [],
  config: ['crypto'],
  consensus: ['crypto', 'config'],
  ledger: ['crypto', 'config'],
  fraud: ['crypto', 'config'],
  p2p: ['crypto', 'config', 'consensus'],
  client: ['crypto', 'config', 'consensus', 'ledger'],
  node: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'p2p', 'client'],
  devnet: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'client'],
  cli: ['crypto', 'config', 'consensus', 'ledger', 'fraud', 'client', 'devnet'],
}

/** Single files that a folder may import beside that: doors. */
const DOORS = {
  // Errors and limits are leaves: they import nothing, so the lowest folder can use them without a cycle.
  crypto: ['config/errors.ts', 'config/limits.ts'],
  // The daemon is started in process; everything else of a node that runs is reached by RPC. Of one that does not run the
  // stores are repaired, what was signed is exported and imported, and its configuration is tried.
  devnet: ['node/daemon.ts'],
  cli: ['node/daemon.ts', 'node/repair.ts', 'node/review/operator-key.ts', 'node/signing/protection-file.ts'],
}

/** Folders that are told the time and handed randomness (consensus.md §9, ledger.md, fraud.md). */
const PURE = ['consensus', 'ledger', 'fraud']

/** Only the modules that the pure folders need; files, sockets and processes are not among them. */
const IMPURE_MODULES = [
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'fs',
  'fs/promises',
  'http',
  'http2',
  'https',
  'inspector',
  'net',
  'os',
  'perf_hooks',
  'readline',
  'timers',
  'timers/promises',
  'tls',
]

const CLOCK_GLOBALS = [
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'fetch',
  'WebSocket',
  'EventSource',
]

const CLOCK_HINT = 'This folder is told the time and handed randomness; take it as an argument.'

function forbiddenPaths(folder) {
  const allowed = MAY_IMPORT[folder]
  const doors = DOORS[folder] ?? []
  return FOLDERS.filter((other) => other !== folder && !allowed.includes(other)).map((other) => {
    const open = doors
      .filter((door) => door.startsWith(`${other}/`))
      .map((door) => door.slice(other.length + 1))
    const exceptDoors =
      open.length === 0 ? '' : `(?!(?:${open.map((name) => name.replaceAll('.', '\\.')).join('|')})$)`
    return {
      regex: `^(?:\\.\\./)+${other}/${exceptDoors}`,
      message: `${folder} must not import from ${other}.`,
    }
  })
}

function forbiddenPackages(folder) {
  if (!PURE.includes(folder)) return []
  const storage = folder === 'ledger' ? '' : '|level|abstract-level|classic-level'
  return [
    {
      regex: `^(?:node:)?(?:${IMPURE_MODULES.map((name) => name.replaceAll('/', '\\/')).join('|')})$`,
      message: `${folder} reaches no files, sockets, clocks or processes.`,
    },
    {
      regex: `^(?:fastify|@fastify/.*|ws|libp2p|@libp2p/.*|undici${storage})$`,
      message: `${folder} does no input or output of this kind.`,
    },
  ]
}

/** The same bans for `import(…)`, which no-restricted-imports does not look at. */
function dynamicImportBans(patterns) {
  return patterns.map(({ regex, message }) => ({
    selector: `ImportExpression[source.value=/${regex.replaceAll(/(?<!\\)\//g, '\\/')}/]`,
    message,
  }))
}

const SHARED_PATH = ['..', 'shared'].join('/')

const SHARED_PATH_BANS = ['Literal[value', 'TemplateElement[value.raw'].map((start) => ({
  selector: `${start}=/${SHARED_PATH.replaceAll('.', '\\.').replaceAll('/', '\\/')}/]`,
  message: 'Only bench/ may read the design material beside the checkout.',
}))

const CLOCK_BANS = [
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CLOCK_HINT },
  { selector: "CallExpression[callee.name='Date']", message: CLOCK_HINT },
]

const RANDOM_IMPORTS = [
  'randomBytes',
  'randomInt',
  'randomUUID',
  'randomFill',
  'randomFillSync',
  'webcrypto',
  'getRandomValues',
]

function layer(folder) {
  const patterns = [...forbiddenPaths(folder), ...forbiddenPackages(folder)]
  const pure = PURE.includes(folder)
  const paths = ['node:crypto', 'crypto'].map((name) => ({
    name,
    importNames: RANDOM_IMPORTS,
    message: CLOCK_HINT,
  }))
  return {
    files: [`${folder}/**/*.ts`],
    rules: {
      'no-restricted-imports': ['error', pure ? { patterns, paths } : { patterns }],
      'no-restricted-syntax': [
        'error',
        ...SHARED_PATH_BANS,
        ...dynamicImportBans(patterns),
        ...(pure ? CLOCK_BANS : []),
      ],
      ...(pure && {
        'no-restricted-globals': ['error', ...CLOCK_GLOBALS.map((name) => ({ name, message: CLOCK_HINT }))],
        'no-restricted-properties': [
          'error',
          ...['now'].map((property) => ({ object: 'Date', property, message: CLOCK_HINT })),
          ...['random'].map((property) => ({ object: 'Math', property, message: CLOCK_HINT })),
          ...['hrtime', 'uptime', 'cwd'].map((property) => ({
            object: 'process',
            property,
            message: CLOCK_HINT,
          })),
          ...['getRandomValues', 'randomUUID'].map((property) => ({
            object: 'crypto',
            property,
            message: CLOCK_HINT,
          })),
          ...CLOCK_GLOBALS.map((property) => ({ object: 'globalThis', property, message: CLOCK_HINT })),
        ],
      }),
    },
  }
}

/** The leaves that crypto may import must stay leaves. */
const LEAVES = {
  files: ['config/errors.ts', 'config/limits.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: '.', message: 'crypto imports this file, so it imports nothing.' }] },
    ],
  },
}

export default tseslint.config(
  { ignores: ['node_modules/', 'dist/', '.cordon/', 'test/vectors/', 'crypto/batch/wasm/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // TypeScript knows the globals.
      'no-undef': 'off',
      eqeqeq: 'error',
      'no-console': 'error',
      'no-warning-comments': [
        'error',
        { terms: ['todo', 'fixme', 'xxx', SHARED_PATH], location: 'anywhere' },
      ],
      // typeof import(…) is how a command module that is loaded late gets its type.
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers and bigints in messages are what most of our messages are made of.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `() => emit(x)` and `return void` in one line are shorter and as clear.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An async method without await turns a throw into a rejection, which is what its interface promises.
      '@typescript-eslint/require-await': 'off',
      // It takes a flag that a callback changes during an await for constant, and believes typings that leave out
      // undefined (level's get): following it would remove checks that are needed.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // A type parameter used once can still tie a result to what the caller says it is (RPC, codecs).
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            {
              from: 'package',
              package: 'node:test',
              name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
            },
          ],
        },
      ],
      'no-restricted-syntax': ['error', ...SHARED_PATH_BANS],
    },
  },
  ...Object.keys(MAY_IMPORT).map(layer),
  LEAVES,
  {
    // Their output is the terminal.
    files: ['cli/**/*.ts', 'bench/**/*.ts', 'examples/*.ts', 'test/checks/**/*.ts', 'test/sim/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // They are programs of others, who have the package only.
    files: ['examples/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^\\.\\.?/', message: 'An example imports cordon/client or cordon/devnet.' }] },
      ],
    },
  },
  {
    files: ['bench/**/*.ts'],
    rules: {
      'no-restricted-syntax': 'off',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test that reads past the end fails by itself, with the line.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // fast-check and node:test hand over callbacks of many shapes.
      '@typescript-eslint/unbound-method': 'off',
    },
  },
)
