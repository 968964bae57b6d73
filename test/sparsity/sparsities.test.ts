import { expect, it } from 'vitest'
import { findModel } from '../../src/models/index.ts'
import { sparsitiesOf } from '../../src/sparsity/sparsities.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { UserError } from '../../src/util/errors.ts'

const tensors = prunableTensors(findModel('lenet-5'))
const found = (others: Record<string, number>) => [...sparsitiesOf(tensors, 0.5, others, 'key').values()]

it('by kind, by name, and the last that fits', () => {
  expect(tensors.map(({ name }) => name)).toEqual(['conv1.weight', 'conv2.weight', 'fc1.weight', 'fc2.weight'])
  expect(found({})).toEqual([0.5, 0.5, 0.5, 0.5])
  expect(found({ conv: 0, linear: 0.9 })).toEqual([0, 0, 0.9, 0.9])
  expect(found({ linear: 0.9, 'fc2*': 0.2 })).toEqual([0.5, 0.5, 0.9, 0.2])
  expect(found({ '*2*': 0.2, linear: 0.9 })).toEqual([0.5, 0.2, 0.9, 0.9])
})

it('a key that fits nothing is refused', () => {
  expect(() => found({ fc3: 0.9 })).toThrow(UserError)
  expect(() => found({ fc3: 0.9 })).toThrow(/^key: no prunable tensor is named fc3 \(/)
  const mlp = prunableTensors(findModel('mlpnet'))
  expect(() => sparsitiesOf(mlp, 0.5, { conv: 0.9 }, 'key')).toThrow(/^key: no prunable tensor is of the kind conv/)
})
