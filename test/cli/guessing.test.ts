/** @file The sentence where a pruned network does worse than guessing, and what it advises. */
import { expect, it } from 'vitest'
import { worseThanGuessing } from '../../src/cli/prune/guessing.ts'
import type { PruneTask } from '../../src/cli/prune/settings.ts'
import { type MethodName, methods } from '../../src/methods/index.ts'
import { findModel } from '../../src/models/index.ts'

const paths = { layers: [], collapsed: [], deadOutputs: 0, outputs: 10 }
const statistics = { images: 10, before: 9, after: 8, taken: true }
const byClass = { precision: 0.1, recall: 0.1, f1: 0.1 }
const evaluation = (loss: number) => ({ loss, accuracy: 0.1, correct: 1, count: 10, ...byClass })
/** Ten classes: equal chances have a loss of 2.3026. */
function sentence(name: MethodName, network: string, final: number, rest: object = {}, dense = 0.2) {
  const task = { name, method: methods[name], request: { model: findModel(network) } } as PruneTask
  return worseThanGuessing({ dense: evaluation(dense), final: evaluation(final), paths, ...rest }, task)
}

it.each<[MethodName, string, object, RegExp]>([
  ['obd', 'resnet20', {}, /batch normalizations probably no longer fit, try --refresh-bn auto$/],
  ['obd', 'resnet20', { statistics }, /try --method obc, or fewer zeros$/],
  ['magnitude', 'lenet-300-100', { statistics }, /^warning: worse .* magnitude changes no weight .* or --polish 5$/],
  ['obc', 'lenet-300-100', {}, /try fewer zeros, or training with --finetune$/],
  ['magnitude', 'lenet-300-100', { paths: { ...paths, deadOutputs: 10 } }, /no path is left .*, expected fewer zeros$/],
])('%s on %s with %o: what mends it', (name, network, rest, expected) => {
  const found = sentence(name, network, 50, rest)
  expect(found).toMatch(expected)
  expect(found).toContain('loss 50.00, where equal chances for 10 classes have 2.30')
})

it('says nothing at the loss of equal chances or below, nor where the dense network guesses, too', () => {
  expect(sentence('magnitude', 'lenet-300-100', Math.log(10))).toBeUndefined()
  expect(sentence('magnitude', 'lenet-300-100', 50, {}, 2.4)).toBeUndefined()
  expect(sentence('magnitude', 'lenet-300-100', 2.304)).toMatch(/^warning: no better than guessing \(loss 2\.30, /)
  expect(sentence('magnitude', 'lenet-300-100', Number.NaN)).toMatch(/^warning: worse than guessing \(loss NaN, /)
})
