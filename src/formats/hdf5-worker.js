/**
 * @file A thread that reads HDF5 files, one per message: a damaged one may keep the library busy for ever, and a thread can be ended. JavaScript, since Node 20 starts no
 * thread from TypeScript.
 */
import { parentPort } from 'node:worker_threads'
import { Dataset, File, ready } from 'h5wasm/node'

const library = await ready
library.activate_throwing_error_handler()

parentPort?.on('message', (/** @type {string} */ path) => {
  parentPort?.postMessage(read(path))
})

/**
 * What a file holds: of each data set its name, the library's type, shape and value; its attributes as text. Or why it cannot be read.
 * @param {string} path
 */
function read(path) {
  try {
    const file = new File(path, 'r')
    try {
      const entries = [...file.keys()].map((key) => ({ key, entry: file.get(key) }))
      const datasets = entries.flatMap(({ key, entry }) =>
        entry instanceof Dataset
          ? [{ key, dtype: String(entry.dtype), shape: entry.shape ?? [], value: plain(entry) }]
          : [],
      )
      const attributes = Object.entries(file.attrs).map(([key, { value }]) => [key, String(value)])
      return { datasets, attributes }
    } finally {
      file.close()
    }
  } catch (error) {
    return { problem: String(error instanceof Error ? error.message : error).split('\n')[0] }
  }
}

/**
 * Numbers; null for anything else.
 * @param {Dataset} dataset
 */
function plain(dataset) {
  if (!/^<[fdqihbB]$/.test(String(dataset.dtype))) return null
  const { value } = dataset
  return ArrayBuffer.isView(value) || typeof value === 'number' || typeof value === 'bigint' ? value : null
}
