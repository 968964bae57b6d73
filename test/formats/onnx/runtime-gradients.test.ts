import { describe, expect, it } from 'vitest'
import { parseOnnx } from '../../../src/formats/onnx/file.ts'
import { modelInputs } from '../../../src/formats/onnx/model-inputs.ts'
import { wholeNetwork } from '../../../src/formats/onnx/whole-network.ts'
import { random } from '../../../src/util/random.ts'
import { expectGradients, weightedSum } from '../../support/finite-differences.ts'
import { type Form, forms, model, standard } from './runtime-forms.ts'

/** All floating outputs of a form with two samples, in all that it reads as floats. */
function check(op: string, { feeds = {}, ...form }: Form, domain?: string): void {
  const file = parseOnnx(model(op, form, domain), 'm.onnx')
  const { graph, lacking } = wholeNetwork(file, {}, 2)
  expect(lacking).toEqual([])
  const [first] = modelInputs(file)
  const fixed = Object.entries(feeds).map(([name, values]) => [name === first.name ? 'images' : name, values] as const)
  const floating = [...graph.outputs].filter(([name]) => name !== 'count').map(([, tensor]) => tensor)
  expectGradients(graph, weightedSum(graph, floating, random(1, 'weights')), 1, new Map(fixed))
}

describe('gradients of ONNX Runtime’s operators, by finite differences', () => {
  it.each(forms)('%s %s', (_what, op, form) => check(op, form))
  it.each(standard)('%s %s, of ONNX’s own domain', (_what, op, form) => check(op, form, ''))
})
