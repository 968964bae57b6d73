/**
 * @file The recipes of dynamic sparse training: how many parameters learn, beside the published counts, and
 * that their short forms are recipes too.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { modelOf } from '../../src/experiment/plan/network.ts'
import { tensorsToPrune } from '../../src/experiment/recipe/mask-keys.ts'
import { readRecipe } from '../../src/experiment/recipe/recipe.ts'
import { Graph } from '../../src/graph/graph.ts'
import { sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import { scopes } from '../../src/sparsity/scope.ts'
import { UserError } from '../../src/util/errors.ts'

const folder = fileURLToPath(new URL('../../recipes/dynamic/', import.meta.url))
const total = (tensors: readonly Tensor[]) => tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0)

/** Tensors that can be sparse, and their weights; parameters that are dense always; parameters that learn. */
function counts(name: string, ...changes: string[]) {
  const recipe = readRecipe(`${folder}${name}.yaml`, changes)
  const model = modelOf(recipe)
  const graph = new Graph()
  model.build(graph, graph.input('images', [1, ...model.image]), true)
  const all = total(graph.withRole('parameter'))
  const { prune } = recipe
  if (!prune) return { all }
  const tensors = tensorsToPrune(prune, model)
  const kept = scopes[prune.scope].groups(tensors, prune.sparsity).reduce((sum, { keep }) => sum + keep, 0)
  const size = total(tensors)
  return { tensors: tensors.length, size, fixed: all - size, learnable: all - size + kept }
}

it.each([...[0.99, 0.98, 0.97, 0.96, 0.95, 0.9].map((s, i) => [s, [3482, 6144, 8806, 11_468, 14_130, 27_440][i]])])(
  'mnist at %s',
  (sparsity, learnable) => {
    expect(counts('mnist-dsr', `prune.sparsity=${sparsity}`)).toEqual({
      tensors: 3,
      size: 266_200,
      fixed: 820,
      learnable,
    })
  },
)

it.each([...[0.9, 0.8, 0.7, 0.6, 0.5].map((s, i) => [s, [161_229, 306_384, 451_532, 596_687, 741_850][i]])])(
  'WRN-28-2 at %s',
  (sparsity, learnable) => {
    const found = counts('wrn-28-2-dsr', `prune.sparsity=${sparsity}`)
    expect(found).toMatchObject({ tensors: 24, size: 1_451_520, fixed: 16_090 })
    // The published counts cut fractions of a weight off where these are rounded: one at most in each tensor.
    expect(Math.abs(found.learnable! - learnable)).toBeLessThanOrEqual(24)
  },
)

it.each([
  [0.8, 7_377_320],
  [0.9, 5_104_861],
])('ResNet-50 at %s', (sparsity, learnable) => {
  const found = counts('resnet50-dsr', `prune.sparsity=${sparsity}`)
  expect(found).toMatchObject({ tensors: 49, size: 22_724_608, fixed: 2_832_424 })
  expect(Math.abs(found.learnable! - learnable)).toBeLessThanOrEqual(49)
})

it('dense and thin networks', () => {
  expect(counts('mnist-dense').all).toBe(267_020)
  expect(counts('wrn-28-2-dense').all).toBe(1_467_610)
  const thin = (name: string) => (widen: number) => counts(name, `model.widen=${widen}`).all
  const wide = [209_130, 356_376, 491_845, 652_093, 795_477]
  expect([0.75, 0.98, 1.15, 1.33, 1.47].map(thin('wrn-28-2-thin'))).toEqual(wide)
  expect([0.54, 0.46, 1].map(thin('resnet50-thin'))).toEqual([8_167_095, 5_771_217, 25_557_032])
})

it.each(readdirSync(folder).filter((file) => /^(mnist|wrn).*(?<!sweep)\.yaml$/.test(file)))(
  '%s has a short form',
  (file) => {
    const [full, short] = [readRecipe(`${folder}${file}`), readRecipe(`${folder}${file}`, ['budget=short'])]
    expect(short.train.epochs).toBeLessThanOrEqual(full.train.epochs / 4)
    const end = short.prune?.end ?? short.rewire?.end
    if (end) expect(Number.parseInt(end, 10)).toBeLessThanOrEqual(short.train.epochs)
  },
)

it('a network on ImageNet has none', () => {
  expect(() => readRecipe(`${folder}resnet50-dsr.yaml`, ['budget=short'])).toThrow(UserError)
})
