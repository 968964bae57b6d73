/** @file Recipes that train with rounding: resumed runs have the same bits, masks hold, what is refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { readSafetensors, toFloats } from '../../src/formats/safetensors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { runUntil } from './stoppable.ts'
import { tiny } from './tiny.ts'

const recipe = ({ train = {}, ...changes }: { train?: object; model?: object; prune?: object } = {}) =>
  checkRecipe({ ...tiny, prune: undefined, train: { ...tiny.train, quantize: 'int8', ...train }, ...changes }, 'tiny')
const bytes = (folder: string) => readFileSync(join(folder, 'model.safetensors'))

it('stopped and resumed a run ends with the same bits, others than without rounding; zeros stay', async () => {
  const [pruned, whole, parts, plain] = Array.from({ length: 4 }, () => join(temporaryFolder(), 'run'))
  const before = checkRecipe({ ...tiny, prune: { method: 'magnitude', sparsity: 0.7 } }, 'tiny')
  await runUntil(before, { out: pruned })
  const model = { ...tiny.model, weights: pruned, masks: pruned }
  const { result } = await runUntil(recipe({ model }), { out: whole })
  await runUntil(recipe({ model }), { out: parts, stopAt: 20 })
  await runUntil(recipe({ model }), { out: parts, resume: true })
  expect(bytes(parts).equals(bytes(whole))).toBe(true)
  await runUntil(recipe({ model, train: { quantize: undefined } }), { out: plain })
  expect(bytes(plain).equals(bytes(whole))).toBe(false)
  const [zeros, now] = [pruned, whole].map((folder) => readSafetensors(join(folder, 'model.safetensors')).tensors)
  for (const [name, tensor] of zeros) {
    if (tensor.shape.length < 2) continue
    const values = toFloats(now.get(name)!)
    toFloats(tensor).forEach((w, i) => void (w === 0 && expect(values[i]).toBe(0)))
  }
  expect(result!.sparsity).toBeCloseTo(0.7, 2)
}, 60_000)

it('a dry run counts it', async () => {
  const { kernels } = await dryRun(recipe())
  expect(Object.keys(kernels).length).toBeGreaterThan(5)
})

it.each([
  [
    { prune: { method: 'magnitude', sparsity: 0.5 } },
    'goes with model.masks, which it keeps, expected no prune beside it',
  ],
  [{ train: { gsm: { ratio: 10 } } }, 'expected no train.gsm beside it'],
  [{ train: { kernels: 'sparse' } }, 'train.kernels: rounded weights run on dense kernels, expected dense or auto'],
  [{ train: { quantize: 'int3' } }, 'train.quantize'],
])('refused: %j', (changes, message) => {
  expect(() => recipe(changes)).toThrow(message)
})
