/**
 * @file One backend node test, run here and compared with its expected outputs. Its operator takes everything
 * as inputs; here whatever decides shapes has to be known before a network runs. So each test is run in
 * several forms: as it is, with all inputs but one stored in the model, and with all of them stored.
 */
import { clone } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { compile } from '../../dist/engine/compile.js'
import { openModel } from '../../dist/formats/onnx/file.js'
import { fixedBatch, modelInputs } from '../../dist/formats/onnx/model-inputs.js'
import { isFloating } from '../../dist/formats/onnx/tensor.js'
import { wholeNetwork } from '../../dist/formats/onnx/whole-network.js'
import { UserError } from '../../dist/util/errors.js'

/** What the suite's own runner allows for floats: |a - b| <= ABSOLUTE + RELATIVE |b|. */
export const ABSOLUTE = 1e-7
export const RELATIVE = 1e-3
/** A unit in the last place of the narrowest type: the suite cuts what is rounded elsewhere. */
const RELATIVE_BFLOAT16 = 2 ** -7

/**
 * @typedef {'agree' | 'refused' | 'wrong'} Verdict
 * @typedef {{ form: 'as it is' | 'one input' | 'all known', verdict: Verdict, reason?: string }} Form
 * @typedef {{ verdict: Verdict, form?: string, reason?: string }} Result
 * `form`: the first that agrees; `reason`: why it is wrong, or refused as it is.
 */

/**
 * Wrong if it is wrong in any form, else right if it agrees in any.
 * @param {import('./cases.mjs').Case} test
 * @returns {Result}
 */
export function runCase(machine, test) {
  const forms = formsOf(test).map(({ form, free }) => ({ form, ...runForm(machine, test, free) }))
  const of = (verdict) => forms.find((one) => one.verdict === verdict)
  const wrong = of('wrong')
  if (wrong) return { verdict: 'wrong', form: wrong.form, reason: wrong.reason }
  const agrees = of('agree')
  if (agrees) return { verdict: 'agree', form: agrees.form }
  // Without the inputs that have to be known, a reason says more.
  const { reason } = forms.find(({ form }) => form === 'one input') ?? forms[0]
  return { verdict: 'refused', reason: reason ?? forms[0].reason }
}

function formsOf({ inputs }) {
  const names = inputs.map(({ name }) => name)
  if (inputs.some(({ tensor }) => !tensor)) return [{ form: 'as it is', free: names }]
  const one = names.length > 1 ? names.map((name) => ({ form: 'one input', free: [name] })) : []
  return [{ form: 'as it is', free: names }, ...one, ...(names.length > 0 ? [{ form: 'all known', free: [] }] : [])]
}

/** The test with those inputs that are not `free` stored in its model. */
function runForm(machine, test, free) {
  try {
    return compared(test, outputsOf(machine, test, free))
  } catch (error) {
    const refused = error instanceof UserError && !error.message.includes('an internal error')
    return { verdict: refused ? 'refused' : 'wrong', reason: refused ? inShort(error.message, test) : error.message }
  }
}

/** Messages name the file and the node, which are others in every test. */
const inShort = (message, { name }) =>
  message
    .replace(`${name}: `, '')
    .replace(`${name} `, 'it ')
    .replace(/^node .*? \([\w.]+\): /, '')

function outputsOf(machine, { name, proto, inputs }, free) {
  const unread = inputs.find(({ values }) => !values)
  if (unread) throw new UserError(`its input is ${unread.type}, expected numbers`)
  const model = clone(ModelProtoSchema, proto)
  for (const input of inputs)
    if (!free.includes(input.name)) model.graph.initializer.push({ ...input.tensor, name: input.name })
  const file = openModel(model, name)
  const fed = new Map(inputs.map((input) => [input.name, input]))
  const declared = modelInputs(file)
  for (const { name: input, sizes } of declared) {
    const { shape } = fed.get(input)
    if (sizes.length !== shape.length || sizes.some((size, axis) => typeof size === 'number' && size !== shape[axis]))
      throw new UserError(`its input is [${shape}], and its model declares [${sizes}]`)
  }
  const sizes = Object.fromEntries(
    declared.flatMap((input) =>
      input.sizes.flatMap((size, axis) => (typeof size === 'string' ? [[size, fed.get(input.name).shape[axis]]] : [])),
    ),
  )
  const batch = fixedBatch(declared) ?? 1
  const { graph, values, lacking } = wholeNetwork(file, { sizes, layout: 'NCHW' }, batch)
  const executable = compile(machine, { test: graph })
  for (const [stored, list] of values) if (executable.has(stored)) executable.view(stored).set(list)
  // A batch of images has a name of its own, `images`.
  for (const { name: input } of graph.withRole('input'))
    executable.write('test', input, (fed.get(input) ?? fed.get(declared[0].name)).values)
  executable.run('test')
  const results = [...graph.outputs].map(([output, { shape }]) => [
    output,
    { shape, values: executable.read('test', output) },
  ])
  return { results: new Map(results), lacking }
}

function compared(test, { results, lacking }) {
  const { outputs } = test
  for (const { name, shape, values, type } of outputs) {
    const found = results.get(name)
    if (!found) continue
    if (!values) return { verdict: 'refused', reason: `its output is ${type}, expected numbers` }
    if (String(found.shape) !== String(shape))
      return { verdict: 'wrong', reason: `${name} has the shape [${found.shape}], expected [${shape}]` }
    const at = farthest(found.values, values, type)
    if (at !== undefined)
      return { verdict: 'wrong', reason: `${name}[${at}] is ${found.values[at]}, expected ${values[at]}` }
  }
  const missing = outputs.find(({ name }) => !results.has(name))
  if (!missing) return { verdict: 'agree' }
  const reason = lacking.find(({ output }) => output === missing.name)?.reason ?? `${missing.name} is not computed`
  return { verdict: 'refused', reason: inShort(reason, test) }
}

/** Where two lists are apart by more than is allowed, and most; undefined: nowhere. Integers are exact. */
export function farthest(found, expected, type) {
  const relative = type === 'BF16' ? RELATIVE_BFLOAT16 : RELATIVE
  let [at, most] = [undefined, 1]
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i], expected[i]]
    if (Object.is(a, b) || a === b) continue
    const allowed = isFloating(type) ? ABSOLUTE + relative * Math.abs(b) : 0
    const excess = Math.abs(a - b) / allowed
    if (!(excess <= most)) [at, most] = [i, Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess]
  }
  return at
}
