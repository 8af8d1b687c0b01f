/** Mutations of JSON and TOML: values of other kinds where a reader expects its own, and tokens that are often trouble. */
import type { Prng } from '../sim/prng.ts'

const DEPTH = 3_000

/** Raw text, also where it makes the whole unreadable. */
const TOKENS = [
  'null',
  '{}',
  '[]',
  '[[]]',
  '-0',
  '1e999',
  '0.1',
  '9007199254740993',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  '\u0000',
  '\ufeff',
  '\ufffd',
  '"\\ud800"',
  '// ',
  '# ',
  ',',
  ':',
  '=',
  '"',
  '\n',
  '1979-05-27',
  '"""',
]

/** Makers, so that none is changed by a later mutation. */
const VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 0.5,
  () => 2 ** 53,
  () => Number.MAX_VALUE,
  () => '',
  () => 'x',
  () => 'x'.repeat(2_000),
  () => '\ud800',
  () => '\u202e\u0000',
  () => '__proto__',
  () => [],
  () => ({}),
  () => [[[]]],
  () => JSON.parse('{"__proto__": {"format": 1}}') as unknown,
  () => ({ toString: 1, constructor: null, hasOwnProperty: 1 }),
  () => Array.from({ length: 40 }, () => null),
]

type Holder = Record<string, unknown>

/** Every table and list inside, itself included. */
function holders(value: unknown, found: Holder[] = []): Holder[] {
  if (typeof value !== 'object' || value === null) return found
  found.push(value as Holder)
  for (const inner of Object.values(value)) holders(inner, found)
  return found
}

function mutateTree(tree: unknown, prng: Prng): unknown {
  const all = holders(tree)
  if (all.length === 0 || prng.chance(0.05)) return prng.pick(VALUES)()
  const holder = prng.pick(all)
  const names = Object.keys(holder)
  const name = names.length === 0 ? 'x' : prng.pick(names)
  switch (prng.below(6)) {
    case 0:
      Reflect.deleteProperty(holder, name)
      break
    case 1:
      holder[prng.pick(['x', 'format', 'toString', 'id', name.toUpperCase()])] = holder[name]
      break
    case 2:
      holder[name] = tree === holder[name] ? null : structuredClone(prng.pick(all))
      break
    case 3:
      if (Array.isArray(holder)) holder.push(structuredClone(holder[0]))
      else holder[name] = [holder[name]]
      break
    default:
      holder[name] = prng.pick(VALUES)()
  }
  return tree
}

/** A copy with one change. */
export function mutateText(bytes: Buffer, prng: Prng): Buffer {
  const text = bytes.toString('utf8')
  if (prng.chance(0.7)) {
    try {
      const changed = mutateTree(JSON.parse(text), prng)
      return Buffer.from(
        `${JSON.stringify(changed, null, text.includes('\n') ? 2 : 0)}${text.endsWith('\n') ? '\n' : ''}`,
      )
    } catch {
      // No JSON, or no more: tokens then.
    }
  }
  const at = prng.below(text.length + 1)
  if (prng.chance(0.02)) return Buffer.from(`${text.slice(0, at)}${'['.repeat(DEPTH)}${text.slice(at)}`)
  return Buffer.from(text.slice(0, at) + prng.pick(TOKENS) + text.slice(at + prng.below(4)))
}
