/** @throws RangeError if there is no such item. */
export function itemAt<Item>(items: readonly Item[], index: number): Item {
  const item = items[index]
  if (item === undefined) throw new RangeError(`expected an item ${index}, there are ${items.length}`)
  return item
}
