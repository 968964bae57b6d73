/** @file Which tensors are pruned: published sets and patterns. */
import { expect, it } from 'vitest'
import { sizeOf } from '../../src/graph/tensor.ts'
import { findModel } from '../../src/models/index.ts'
import { chooseTensors, type TensorChoice } from '../../src/sparsity/tensors.ts'

const chosen = (model: string, choice?: TensorChoice) => chooseTensors(findModel(model), choice)
const names = (model: string, choice?: TensorChoice) => chosen(model, choice).map(({ name }) => name)

it.each([
  ['mlpnet', 3, 32_360],
  ['cifarnet', 5, 116_704],
  ['resnet20', 18, 267_264],
  ['mobilenet-v1', 28, 4_209_088],
])('%s: the published %i tensors of %i weights', (model, tensors, weights) => {
  const found = chosen(model)
  expect(found).toHaveLength(tensors)
  expect(found.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(weights)
})

it('resnet20: all that can be pruned are stem, shortcuts and classifier more', () => {
  const published = new Set(names('resnet20'))
  const more = names('resnet20', { prunable: 'all' }).filter((name) => !published.has(name))
  expect(more).toEqual(['conv1.weight', 'layer2.0.downsample.0.weight', 'layer3.0.downsample.0.weight', 'fc.weight'])
})

it.each([
  ['resnet18', 23, 11_160_128],
  ['vgg19', 16, 20_018_880],
  // All but the 970 biases: its classifier is not named linear.
  ['cnn500k', 7, 470_368],
])('%s: as in the code of arXiv 2502.11450, %i tensors of %i weights', (model, tensors, weights) => {
  const found = chosen(model, { prunable: 'reference' })
  expect(found).toHaveLength(tensors)
  expect(found.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(weights)
})

it('resnet18, reference: the scales of the projections, but not the classifier', () => {
  const scales = chosen('resnet18', { prunable: 'reference' }).filter(({ shape }) => shape.length === 1)
  expect(scales.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
    'layer2.0.shortcut.1.weight 128',
    'layer3.0.shortcut.1.weight 256',
    'layer4.0.shortcut.1.weight 512',
  ])
  expect(names('resnet18', { prunable: 'reference' })).not.toContain('linear.weight')
  expect(names('resnet18', { prunable: 'reference', exclude: ['*shortcut.1*'] })).toHaveLength(20)
})

it('patterns choose among all prunable tensors, in their order', () => {
  expect(names('mlpnet', { include: ['fc3.weight', 'fc1*'] })).toEqual(['fc1.weight', 'fc3.weight'])
  expect(names('mlpnet', { exclude: ['*2*'] })).toEqual(['fc1.weight', 'fc3.weight'])
  expect(names('resnet20', { include: ['*'], exclude: ['layer*'] })).toEqual(['conv1.weight', 'fc.weight'])
  // A dot is a dot.
  expect(() => names('mlpnet', { include: ['fc1xweight'] })).toThrow('did you mean fc1.weight?')
})

it.each<[TensorChoice, string]>([
  [{ include: ['fc1.wieght'] }, '--include: no prunable tensor is named fc1.wieght (did you mean fc1.weight?)'],
  [{ exclude: ['conv*'] }, '--exclude: no prunable tensor is named conv* (known: fc1.weight, fc2.weight, fc3.weight)'],
  [{ exclude: ['fc1*', '*'] }, '--exclude fc1*,* leaves no tensor of mlpnet to prune'],
  [
    { prunable: 'reference', include: ['fc1.bias'] },
    '--include: no prunable tensor is named fc1.bias (known: fc1.weight, fc2.weight, fc3.weight)',
  ],
])('refuses %o', (choice, message) => {
  expect(() => names('mlpnet', choice)).toThrow(message)
})

it('a pattern that matches nothing in a large network: only the nearest names are listed', () => {
  expect(() => names('resnet18', { exclude: ['layer5.*'] })).toThrow(
    /^--exclude: no prunable tensor is named layer5\.\* \(nearest: [\w.]+(, [\w.]+){4}\)$/,
  )
})
