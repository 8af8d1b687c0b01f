/** The instances of the model: the same validators as in the modules at the end of `docs/spec/quint/ordering.qnt`. */

export interface Instance {
  readonly weights: readonly bigint[]
  readonly faulty: readonly number[]
}

export const INSTANCES: Readonly<Record<string, Instance>> = {
  equal: { weights: [1n, 1n, 1n, 1n], faulty: [0] },
  weighted: { weights: [3n, 2n, 1n, 1n], faulty: [2, 3] },
}

export function instanceOf(name: string): Instance {
  const instance = INSTANCES[name]
  if (instance === undefined)
    throw new Error(`expected an instance of the model (${Object.keys(INSTANCES).join(', ')}), got ${name}`)
  return instance
}
