/** @file Which layers make the same channels, in a network with shortcuts: by the shapes of its stages. */
import { expect, it } from 'vitest'
import { findModel } from '../../src/models/index.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { tiedLayers } from '../../src/target/group-levels.ts'

it('of a residual network the layers before a sum go together, all others alone', () => {
  const model = findModel('resnet20')
  const tensors = prunableTensors(model)
  const { tied, stay } = tiedLayers(model, tensors)
  // Each of nine blocks has an inner layer of its own; the sums of a stage tie its blocks' last layers with
  // what the shortcut brings.
  const alone = tied.filter((row) => row.tensors.length === 1)
  const together = tied.filter((row) => row.tensors.length > 1)
  expect(alone.map(({ channels }) => channels)).toEqual([16, 16, 16, 32, 32, 32, 64, 64, 64])
  const ends = tensors.filter(({ name }) => !alone.some((row) => row.name === name) && !stay.has(name))
  expect(together.flatMap((row) => row.tensors.map(({ name }) => name)).sort()).toEqual(
    ends.map(({ name }) => name).sort(),
  )
  for (const row of together) for (const { shape } of row.tensors) expect(shape[0]).toBeGreaterThanOrEqual(row.channels)
  expect([...stay.values()]).toContain('its channels are outputs of the network')
  expect([...stay.keys()].every((name) => !tied.some((row) => row.tensors.some((one) => one.name === name)))).toBe(true)
})
