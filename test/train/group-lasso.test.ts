/**
 * @file The group lasso: what it adds to gradients is the slope of the penalty, of the weights that are
 * there, however they are held.
 */

import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { groupLasso } from '../../src/methods/group-lasso.ts'
import { prune } from '../../src/methods/prune.ts'
import { setHyper } from '../../src/optim/sgd.ts'
import { Network } from '../../src/train/network.ts'
import type { NetworkOptions } from '../../src/train/options.ts'
import { tinyConv } from '../support/tiny-conv.ts'

const LAMBDA = 0.3

/**
 * What one step without learning rate, decay and past momentum leaves as momentum: the gradient of what is
 * minimized, whole.
 */
function gradients(options: Partial<NetworkOptions>) {
  const data = synthetic({ image: tinyConv.image, classes: tinyConv.classes, train: 16, test: 1 })
  const network = new Network({ machine: openReference(), model: tinyConv, data, batch: 16, ...options })
  prune(network, { sparsity: 0.5 })
  setHyper(network.executable, 0, {})
  network.step(Uint32Array.from({ length: 16 }, (_, i) => i))
  const sparse = network.prunable.filter(({ name }) => network.weights.isSparse(name)).length
  const of = network.prunable.map(({ name, shape }) => ({
    name,
    shape,
    weights: Float64Array.from(network.weights.whole(name)),
    gradient: network.weights.whole(name, `${name}.momentum`).slice(),
  }))
  return { of, sparse }
}

/** sum over kernels of sqrt(sum of squares + 1e-12). */
function penalty(weights: Float64Array, [out, channels, kh, kw]: readonly number[]): number {
  let all = 0
  for (let kernel = 0; kernel < out * channels; kernel++) {
    const own = weights.subarray(kernel * kh * kw, (kernel + 1) * kh * kw)
    all += Math.sqrt(own.reduce((sum, w) => sum + w * w, 0) + 1e-12)
  }
  return all
}

it.each(['dense', 'sparse'] as const)(
  'adds the slope of the penalty at weights that are there, on %s kernels',
  (kernels) => {
    const [without, having] = [gradients({ kernels }), gradients({ kernels, rules: [groupLasso(LAMBDA)] })]
    expect(having.sparse).toBe(kernels === 'sparse' ? 3 : 0)
    having.of.forEach(({ name, shape, weights, gradient }, t) => {
      let [zeros, largest] = [0, 0]
      for (let i = 0; i < weights.length; i++) {
        const added = gradient[i] - without.of[t].gradient[i]
        if (name === 'fc.weight') expect(added).toBe(0)
        if (name === 'fc.weight') continue
        if (weights[i] === 0) {
          zeros++
          expect(added).toBe(0)
          continue
        }
        const h = 1e-6
        const at = (change: number) =>
          penalty(
            weights.map((w, j) => (j === i ? w + change : w)),
            shape,
          )
        expect(added).toBeCloseTo((LAMBDA * (at(h) - at(-h))) / (2 * h), 6)
        largest = Math.max(largest, Math.abs(added))
      }
      if (name !== 'fc.weight') expect([zeros > 5, largest > 0.1]).toEqual([true, true])
    })
  },
)

it('train.groupLasso of a recipe: one for every convolution, none where it is 0', async () => {
  const recipe = (groupLasso: number) =>
    checkRecipe(
      {
        name: 'lasso',
        model: { name: 'lenet-5' },
        data: { name: 'synthetic' },
        train: { epochs: 1, batch: 8, learningRate: 0.1, groupLasso },
      },
      'lasso',
    )
  expect((await dryRun(recipe(1e-4))).kernels.group_lasso).toBe(2)
  expect((await dryRun(recipe(0))).kernels).not.toHaveProperty('group_lasso')
  expect(() => recipe(-1)).toThrow(/train\.groupLasso/)
})
