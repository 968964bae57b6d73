/**
 * @file What a checkpoint says of a run that goes on: how far it is, and what its masks keep. Only the header
 * and the masks are read, since the rest is most of the file.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { FILES } from '../experiment/run/folder.ts'
import type { LayerCount } from '../sparsity/mask.ts'

export interface CheckpointHead {
  step: number
  /** Of the whole training, where it says so. */
  steps?: number
  /** Seconds of training until then. */
  seconds: number
  /** When it was written, in milliseconds. */
  written: number
}

const headerSchema = z.record(z.string(), z.unknown())
const progressSchema = z.looseObject({ step: z.number(), steps: z.number().optional(), seconds: z.number() })
const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(z.number()),
  data_offsets: z.tuple([z.number(), z.number()]),
})

/** A header that claims more is none. */
const MOST_HEADER = 2 ** 26
const MASK = '.mask'

/** How far a run was at its last checkpoint; undefined where it has none that can be read. */
export const checkpointHead = (folder: string): CheckpointHead | undefined =>
  withHeader(folder, ({ header, written }) => {
    const { progress } = z.object({ progress: z.string() }).parse(header.__metadata__)
    const { step, steps, seconds } = progressSchema.parse(JSON.parse(progress))
    return { step, steps, seconds, written }
  })

/** What the masks of the last checkpoint keep of every layer; undefined where there are none. */
export const checkpointLayers = (folder: string): LayerCount[] | undefined =>
  withHeader(folder, ({ header, file, begin }) => {
    const layers = Object.entries(header).flatMap(([key, value]): LayerCount[] => {
      const { success, data } = tensorSchema.safeParse(value)
      if (!success || !key.endsWith(MASK) || data.dtype !== 'U8') return []
      const [from, to] = data.data_offsets
      const bits = Buffer.alloc(to - from)
      readSync(file, bits, 0, bits.length, begin + from)
      let kept = 0
      for (const bit of bits) kept += bit
      return [{ name: key.slice(0, -MASK.length), size: bits.length, kept }]
    })
    return layers.length > 0 ? layers : undefined
  })

interface Opened {
  header: Record<string, unknown>
  file: number
  /** Where the tensors begin. */
  begin: number
  written: number
}

/** Undefined where there is no checkpoint, or it is none. */
function withHeader<T>(folder: string, read: (opened: Opened) => T): T | undefined {
  const path = join(folder, FILES.checkpoint)
  if (!existsSync(path)) return undefined
  try {
    const file = openSync(path, 'r')
    try {
      const length = Buffer.alloc(8)
      readSync(file, length, 0, 8, 0)
      const size = Number(length.readBigUInt64LE())
      const { size: whole, mtimeMs: written } = fstatSync(file)
      if (size > Math.min(MOST_HEADER, whole)) return undefined
      const text = Buffer.alloc(size)
      readSync(file, text, 0, size, 8)
      return read({ header: headerSchema.parse(JSON.parse(text.toString('utf8'))), file, begin: 8 + size, written })
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}
