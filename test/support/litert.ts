/** @file TensorFlow Lite files run by LiteRT.js (XNNPACK on one thread), several in one process. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Shaped {
  shape: readonly number[]
  values: ArrayLike<number>
}

export interface LiteRtJob {
  bytes: Uint8Array
  inputs: readonly Shaped[]
  /** How often it is timed. */
  repeat?: number
}

export interface LiteRtResult {
  outputs: { shape: number[]; values: number[] }[]
  milliseconds: number[]
  error?: string
}

const program = fileURLToPath(new URL('litert-process.mjs', import.meta.url))

/** What each file computes, or an error. */
export async function onLiteRt(jobs: readonly LiteRtJob[]): Promise<LiteRtResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-litert-'))
  try {
    return await run(jobs, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(jobs: readonly LiteRtJob[], folder: string): Promise<LiteRtResult[]> {
  const asked = jobs.map(({ bytes, inputs, repeat }, i) => {
    const path = join(folder, `${i}.tflite`)
    writeFileSync(path, bytes)
    return { path, repeat, inputs: inputs.map(({ shape, values }) => ({ shape, values: Array.from(values) })) }
  })
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [program], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(JSON.parse(stdout)),
    )
    child.stdin!.end(JSON.stringify(asked))
  })
}
