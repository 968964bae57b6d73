import { expect, it } from 'vitest'
import { UserError } from '../../src/util/errors.ts'
import { dataOf, smallNetwork } from './small.ts'

/** All weights 0, so that every sample gets the biases of the last layer as logits. */
function constantNetwork(biases: number[], options = {}) {
  const network = smallNetwork(options)
  for (const { name } of network.parameters) network.values(name).fill(0)
  network.values('fc3.bias').set(biases)
  return network
}
/** Cross-entropy of the logits [0, 1, 0, 0] for a label. */
const lossOf = (label: number) => Math.log(3 + Math.E) - (label === 1 ? 1 : 0)
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length

it('evaluates the whole test set, also beyond one batch', () => {
  // Batches of 500, 500 and 103.
  const data = dataOf({ test: 1103 })
  const labels = [...data.test.labels]
  const { loss, accuracy, correct, count } = constantNetwork([0, 1, 0, 0], { data }).evaluate('test')
  expect(count).toBe(1103)
  expect(correct).toBe(labels.filter((label) => label === 1).length)
  expect(accuracy).toBe(correct / 1103)
  expect(loss).toBeCloseTo(mean(labels.map(lossOf)), 5)
})

it('evaluates the held-out samples and no others', () => {
  const network = constantNetwork([0, 1, 0, 0], { validation: 13 })
  const labels = [...network.indices.validation].map((i) => network.data.train.labels![i])
  const { loss, correct, count } = network.evaluate('validation')
  expect([count, correct]).toEqual([13, labels.filter((label) => label === 1).length])
  expect(loss).toBeCloseTo(mean(labels.map(lossOf)), 6)
})

it('evaluates the samples that are trained on where it was made for that', () => {
  const network = constantNetwork([0, 1, 0, 0], { validation: 13, evaluatesTraining: true })
  const labels = [...network.indices.train].map((i) => network.data.train.labels![i])
  const { loss, correct, count, precision, recall, f1 } = network.evaluate('train')
  const ones = labels.filter((label) => label === 1).length
  expect([count, correct]).toEqual([labels.length, ones])
  expect(loss).toBeCloseTo(mean(labels.map(lossOf)), 6)
  // All samples are taken for class 1 of four: precision is 0 for the others, recall is 1 for it alone.
  expect(precision).toBeCloseTo(ones / labels.length / 4, 12)
  expect(recall).toBeCloseTo(1 / 4, 12)
  expect(f1).toBeCloseTo((2 * ones) / (ones + labels.length) / 4, 12)
})

it('holds out the same share of every class where it is asked to', () => {
  const data = dataOf()
  data.train.labels.set(Array.from({ length: 50 }, (_, i) => (i < 20 ? 0 : 1 + (i % 3))))
  const classes = (stratify?: boolean, seed?: number) => {
    const { validation } = smallNetwork({ data, validation: 10, stratify, seed }).indices
    return [0, 1, 2, 3].map((label) => [...validation].filter((i) => data.train.labels[i] === label).length)
  }
  for (let seed = 0; seed < 5; seed++) expect(classes(true, seed)).toEqual([4, 2, 2, 2])
  expect([0, 1, 2, 3, 4].some((seed) => String(classes(undefined, seed)) !== '4,2,2,2')).toBe(true)
})

it('can be made for evaluation alone', () => {
  const trained = smallNetwork()
  const network = smallNetwork({ batch: undefined })
  expect(network.evaluate('test')).toEqual(trained.evaluate('test'))
  expect(() => network.evaluate('validation')).toThrow('no samples are held out')
})

it('counts what is left of prunable layers', () => {
  const network = smallNetwork()
  expect(network.counts()).toEqual([
    { name: 'fc1.weight', size: 300, kept: 300 },
    { name: 'fc2.weight', size: 96, kept: 96 },
    { name: 'fc3.weight', size: 32, kept: 32 },
  ])
  network.values('fc2.weight').fill(0, 10)
  network.values('fc2.weight')[3] = -0
  expect(network.counts()[1].kept).toBe(9)
})

it('a weight that is masked and not zero is an error, as is a mask other than 0 and 1', () => {
  const network = smallNetwork()
  network.assertMasked()
  network.mask('fc2.weight')[5] = 0
  expect(() => network.assertMasked()).toThrow(/the pruned weight fc2\.weight\[5\] is -?0\.\d+, expected 0/)
  network.values('fc2.weight')[5] = 0
  network.assertMasked()
  network.mask('fc2.weight')[6] = 0.5
  expect(() => network.assertMasked()).toThrow('a mask holds 0.5, expected 0 or 1')
})

it.each([
  [{ data: dataOf({ image: [1, 5, 4] }) }, 'small takes images of 1 x 5 x 5, synthetic has 1 x 5 x 4'],
  [{ data: dataOf({ classes: 3 }) }, 'small tells 4 classes apart, synthetic has 3'],
  [{ validation: 50 }, 'validation: 50 of the 50 training samples leave none to train on'],
  [{ validation: 51 }, 'validation: 51 of the 50 training samples leave none to train on'],
  [{ batch: 51 }, 'batch: 51 is more than the 50 training samples of synthetic'],
  [{ batch: 16, validation: 40 }, 'batch: 16 is more than the 10 training samples of synthetic'],
])('refuses %#', (options, message) => {
  expect(() => smallNetwork(options)).toThrow(new UserError(message))
})

it('a rest of the samples is a step too', () => {
  expect(smallNetwork({ batch: 25 }).stepsPerEpoch).toBe(2)
  expect(smallNetwork({ batch: 24 }).stepsPerEpoch).toBe(3)
})
