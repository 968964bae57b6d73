/**
 * @file An ONNX model written in the form that is asked for. The file is read again and compared with what it
 * was made of before it takes its name; where it is not what was meant, what was there stays.
 */
import { renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TensorProto_DataType as DataType } from 'onnx-buf'
import { distances, outputsOf, type Valued } from '../engine/agreement.ts'
import type { Machine } from '../engine/machine.ts'
import { openMachine } from '../engine/machines/open.ts'
import { multiplications } from '../graph/multiplications.ts'
import { UserError } from '../util/errors.ts'
import { readBytes, writeAtomically } from '../util/files.ts'
import type { Source } from './network-source.ts'
import { withBatch } from './onnx/batch.ts'
import { compactHint } from './onnx/compact-hint.ts'
import { type CompactReport, compactModel } from './onnx/compact-model.ts'
import { divided, encodeModel, lengthOf } from './onnx/encode.ts'
import { externalFiles } from './onnx/external-files.ts'
import { type OnnxFile, openModel, parseOnnx } from './onnx/file.ts'
import { foldBatchNorms } from './onnx/fold-batch-norm.ts'
import type { ImportOptions } from './onnx/input.ts'
import { placesOf, typeOf } from './onnx/places.ts'
import { interfaceDifference, tensorDifference } from './onnx/same.ts'
import { inHalves, type Stored, sparsely } from './onnx/store.ts'
import { isFloating } from './onnx/tensor.ts'
import { type Whole, wholeNetwork } from './onnx/whole-network.ts'
import { type Forms, sizesOf } from './onnx-sizes.ts'
import { toFloats } from './safetensors-bytes.ts'

/** How an ONNX file is written. */
export interface OnnxOptions {
  /** Tensors with many zeros as nonzeros and their places (SparseTensorProto). Default: all values. */
  sparse?: boolean
  /** Weights in half precision. Default: as they are. */
  float16?: boolean
  /** Batch normalizations as part of the convolutions before them. Default: as they are. */
  foldBatchNorm?: boolean
  /** Without channels that are not needed: zero, constant or read by nothing. Default: all of them. */
  compact?: boolean
  /** With `compact`: channels of a layer stay in multiples of it. Default 1. */
  multipleOf?: number
  /** For batches of so many samples alone. Default: as the model says. */
  batch?: number
  /** Whether the sizes of all forms are found, compressed too. Default: for models up to 16 MB. */
  sizes?: boolean
}

/** The outputs of the file that was written beside those of another model. */
export interface Agreement {
  /** Random inputs. */
  inputs: number
  /** max |Δ| / max |y| of each output that runs here. */
  outputs: { name: string; difference: number }[]
  /** Outputs that were not compared, each with the reason. */
  lacking: { output: string; reason: string }[]
}

/** What is known of a written ONNX model. */
export interface WrittenOnnx {
  /** The file, read again. */
  file: OnnxFile
  /** With the file of its values, where that is another. */
  bytes: number
  /** Where the values of a model beyond 2 GiB are. */
  data?: string
  /** What it takes in each form. */
  forms?: Forms
  /** What went and what stayed of a compact one. */
  compact?: CompactReport
  /** Batch normalizations that are part of their convolutions now, and those that stay, with reasons. */
  folded?: { folded: number; stay: string[] }
  /** What could not take the form that was asked for, and what had to change besides. */
  notes: string[]
  /** Stored floats of all graphs: how many there are, and how many are zero. */
  floats: { size: number; zeros: number }
  /** Beside the model that was read. Absent: there is none that runs here. */
  agreement?: Agreement
  /** Why there is none. */
  unchecked?: string
}

/** Models whose sizes are found without being asked for: bytes. */
const SMALL = 16e6
/** The largest difference of outputs that rounding explains, where nothing but the form has changed. */
const ROUNDING = 1e-4

/**
 * Throws UserError where the model cannot take a form, or cannot be written; where the file is not what was
 * meant, saying so.
 */
export async function writeOnnx(path: string, source: Source, options: OnnxOptions): Promise<WrittenOnnx> {
  const { target, reading = {} } = source
  const { foldBatchNorm, compact, multipleOf, batch } = options
  const folded = foldBatchNorm ? foldBatchNorms(target) : undefined
  let made = folded ? openModel(folded.model, target.path) : target
  const compacted = compact ? compactModel(made, { ...reading, multipleOf }) : undefined
  made = compacted?.file ?? made
  if (batch !== undefined) made = openModel(withBatch(made, batch), target.path)
  const halves = options.float16 ? inHalves(made.proto) : unchanged(made)
  const stored = options.sparse ? sparsely(halves.model) : { ...halves, notes: [] }
  const notes = [...halves.notes, ...stored.notes]

  const check = (file: OnnxFile) => {
    const difference =
      interfaceDifference(source.file, file, {
        ir: stored.model.irVersion !== source.file.proto.irVersion,
        batch: batch !== undefined,
      }) ??
      tensorDifference(made, file) ??
      (folded || compacted ? undefined : tensorDifference(source.file, file, source.changed))
    if (difference) throw notAsMeant(path, difference)
  }
  const most = tolerance(target, options)
  const transformed = Boolean(folded || compacted || options.float16)
  const written = await writeChecked(path, stored.model, async (file) => {
    check(file)
    if (transformed && source.changed.size > 0) {
      const same = await agreementOf(() => whole(target, reading), file, reading)
      if (typeof same !== 'string') refuseDifference(path, same, most)
    }
    if (source.meant && source.changed.size > 0) {
      const same = await agreementOf(source.meant, file, reading)
      if (typeof same !== 'string') refuseDifference(path, same, most)
    }
    const beside = await agreementOf(() => source.network ?? whole(source.file, reading), file, reading)
    if (typeof beside !== 'string' && transformed && source.changed.size === 0) refuseDifference(path, beside, most)
    return typeof beside === 'string' ? { unchecked: beside } : { agreement: beside }
  })
  const floats = floatsOf(written.file)
  const hint = compacted && compactHint(compacted.report, floats)
  const sizes = options.sizes ?? lengthOf(encodeModel(made.proto)) <= SMALL
  return {
    ...written,
    ...(sizes && { forms: sizesOf(made.proto) }),
    ...(compacted && { compact: compacted.report }),
    ...(folded && { folded: { folded: folded.folded, stay: folded.stay } }),
    notes: [...notes, ...(hint ? [hint] : []), ...lostDefaults(source.file, written.file)],
    floats,
  }
}

/** Inputs that had a stored default, and are no inputs any more. */
function lostDefaults(before: OnnxFile, after: OnnxFile): string[] {
  const now = new Set(after.graph.input.map(({ name }) => name))
  const lost = before.graph.input.flatMap(({ name }) => (before.stored.has(name) && !now.has(name) ? [name] : []))
  return lost.length === 0 ? [] : [`no longer inputs whose default can be replaced: ${lost.join(', ')}`]
}

const unchanged = ({ proto }: OnnxFile): Stored => ({ model: proto, notes: [] })

const notAsMeant = (path: string, difference: string) =>
  new UserError(
    `${path} is not written: what was to be written is not what was meant (${difference}); this is an error of Espalier, please report it`,
  )

function refuseDifference(path: string, { outputs }: Agreement, most: number): void {
  for (const { name, difference } of outputs)
    if (!(difference <= most))
      throw notAsMeant(path, `max|Δ|/max|y| of output ${name} is ${difference}, expected at most ${most}`)
}

/**
 * What rounding explains: halves have 11 bits, and a network may add up the errors of many layers; in one
 * that is made half, only what is no number is surely wrong.
 */
function tolerance({ proto }: OnnxFile, { float16 }: OnnxOptions): number {
  if (float16) return Number.MAX_VALUE
  const short = [DataType.FLOAT16, DataType.BFLOAT16]
  return placesOf(proto).some(({ tensor }) => short.includes(typeOf(tensor))) ? 100 * ROUNDING : ROUNDING
}

/** Writes under another name, lets the file be checked, and gives it its name. */
async function writeChecked<T>(path: string, model: Stored['model'], check: (file: OnnxFile) => Promise<T>) {
  const name = basename(path)
  const temporary = join(dirname(path), `.${name}.${process.pid}.checked`)
  const location = `${name}.data`
  const apart = divided(model, location)
  const parts = encodeModel(apart?.model ?? model)
  try {
    writeAtomically(temporary, parts, path)
    if (apart) writeAtomically(`${temporary}.data`, apart.data, join(dirname(path), location))
    const beside = externalFiles(temporary)
    const file = parseOnnx(readBytes(temporary), path, (where, ...place) =>
      beside(where === location ? `${basename(temporary)}.data` : where, ...place),
    )
    const found = await check(file)
    if (apart) renameSync(`${temporary}.data`, join(dirname(path), location))
    renameSync(temporary, path)
    const bytes = lengthOf(parts) + lengthOf(apart?.data ?? [])
    return { ...found, file, bytes, ...(apart && { data: join(dirname(path), location) }) }
  } finally {
    for (const left of [temporary, `${temporary}.data`]) rmSync(left, { force: true })
  }
}

/** Multiplications that a comparison may take, and the most that one input may. */
const EFFORT = { all: 4e9, one: 1e11 }
const MOST_INPUTS = 8

const whole = (file: OnnxFile, reading: ImportOptions): Whole => wholeNetwork(file, reading, file.batch ?? 1)

/**
 * Outputs of another network and of the file on random inputs; the reason where one of them does not run
 * here.
 */
async function agreementOf(
  other: () => Valued & Partial<Whole>,
  file: OnnxFile,
  reading: ImportOptions,
): Promise<Agreement | string> {
  try {
    const machine = await openMachine()
    const { inputs, before, lacking } = measured(machine, other())
    if (!before) return 'one input takes too many multiplications to be tried'
    const after = outputsOf(machine, whole(file, reading), inputs)
    const outputs = [...distances(before, after)].map(([name, difference]) => ({ name, difference }))
    return { inputs, outputs, lacking }
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

/** Outputs of a network for as many inputs as are worth it; none, where one takes too long. */
function measured(machine: Machine, network: Valued & Partial<Whole>) {
  const effort = [...multiplications(network.graph).values()].reduce((sum, n) => sum + n, 0)
  const inputs = Math.max(1, Math.min(MOST_INPUTS, Math.floor(EFFORT.all / (2 * effort + 1))))
  const before = effort > EFFORT.one ? undefined : outputsOf(machine, network, inputs)
  return { inputs, before, lacking: network.lacking ?? [] }
}

function floatsOf({ stored }: OnnxFile): { size: number; zeros: number } {
  let [size, zeros] = [0, 0]
  for (const read of stored.values()) {
    const tensor = read()
    if (!isFloating(tensor.dtype)) continue
    const values = toFloats(tensor)
    size += values.length
    for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++
  }
  return { size, zeros }
}
