import { expect, it } from 'vitest'
import { Graph, prunableParameters } from '../../src/graph/graph.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { findModel, models } from '../../src/models/index.ts'
import { UserError } from '../../src/util/errors.ts'

const total = (tensors: readonly Tensor[]) => tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)

it.each([
  ['lenet-300-100', 266_610, 266_200, ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias', 'fc3.weight', 'fc3.bias']],
  ['mlpnet', 32_360, 32_360, ['fc1.weight', 'fc2.weight', 'fc3.weight']],
])('%s has %i parameters, %i of them prunable', (name, parameters, prunable, names) => {
  const model = findModel(name)
  const graph = new Graph()
  const logits = model.build(graph, graph.input('images', [5, ...model.image]))
  expect(logits.shape).toEqual([5, model.classes])
  expect(graph.withRole('parameter').map((tensor) => tensor.name)).toEqual(names)
  expect(total(graph.withRole('parameter'))).toBe(parameters)
  expect(total(prunableParameters(graph))).toBe(prunable)
  expect(prunableParameters(graph).every((tensor) => tensor.name.endsWith('.weight'))).toBe(true)
})

it('an unknown name suggests the nearest', () => {
  expect(() => findModel('mlp-net')).toThrow(new UserError('there is no model named mlp-net (did you mean mlpnet?)'))
  expect(() => findModel('__proto__')).toThrow(/there is no model named __proto__ \(known: lenet-300-100, mlpnet/)
})

it('every model is listed under its own name', () => {
  for (const [name, model] of Object.entries(models)) expect(model.name).toBe(name)
})
