/** @file CIFAR's binary files of any content. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A record: label bytes, then 3,072 pixels whose value is `shade` plus the number of their plane. */
export function record(labels: readonly number[], shade = 0): Uint8Array {
  const bytes = new Uint8Array(labels.length + 3072)
  bytes.set(labels)
  for (let plane = 0; plane < 3; plane++)
    bytes.fill(shade + plane, labels.length + plane * 1024, labels.length + (plane + 1) * 1024)
  return bytes
}

type Changes = Record<string, Uint8Array | undefined>

function write(folder: string, files: Changes): string {
  mkdirSync(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) if (bytes) writeFileSync(join(folder, name), bytes)
  return folder
}

/** Five batches of one image and two test images; `changes` replaces files or (undefined) leaves them out. */
export function writeCifar10(folder: string, changes: Changes = {}): string {
  const batches = [1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, record([i], 10 * i)])
  const test = Buffer.concat([record([9], 100), record([0], 200)])
  return write(folder, { ...Object.fromEntries(batches), 'test_batch.bin': test, ...changes })
}

/** Two training images and one test image. */
export function writeCifar100(folder: string, changes: Changes = {}): string {
  const train = Buffer.concat([record([19, 99], 10), record([0, 42], 20)])
  return write(folder, { 'train.bin': train, 'test.bin': record([3, 7], 30), ...changes })
}
