/**
 * @file A thread that reads HDF5 files, one per message: a damaged one may keep the library busy for ever,
 * and a thread can be ended. JavaScript, since Node 20 starts no thread from TypeScript.
 */
import { parentPort } from 'node:worker_threads'
import { Dataset, Datatype, File, Group, ready } from 'h5wasm/node'

const library = await ready
library.activate_throwing_error_handler()
/** Classes of types, as HDF5 numbers them. */
const { H5T_INTEGER, H5T_STRING, H5T_REFERENCE, H5T_ENUM } = library.H5T_class_t

parentPort?.on('message', (/** @type {string} */ path) => {
  parentPort?.postMessage(read(path))
})

/**
 * What a file holds: of each data set its name, type, shape and values, which are numbers, or null where they
 * are none; of what else there is the name and what it is; its attributes as text. Or why it cannot be read.
 * @param {string} path
 */
function read(path) {
  try {
    const file = new File(path, 'r')
    try {
      const attributes = Object.entries(file.attrs).map(([key, { value }]) => [key, String(value)])
      const datasets = []
      const others = []
      for (const key of file.keys()) {
        const entry = file.get(key)
        if (entry instanceof Dataset) datasets.push({ key, shape: entry.shape ?? [], ...valuesOf(entry) })
        else if (!(entry instanceof Datatype)) others.push({ key, is: entry instanceof Group ? 'group' : 'link' })
      }
      return { datasets, others, attributes }
    } finally {
      file.close()
    }
  } catch (error) {
    return { problem: reason(String(error instanceof Error ? error.message : error)) }
  }
}

/**
 * HDF5 prints the functions that it was in, outermost first, each with what went wrong in it: the last one
 * says why. @param {string} message
 */
function reason(message) {
  const why = [...message.matchAll(/^\s*#\d+: .* in \w+\(\): (.+)$/gm)].at(-1)?.[1]
  return why ?? message.split('\n')[0]
}

/**
 * The type by the letter of Python's struct module, `?` for booleans as h5py writes them; the library gives
 * the values little-endian, however they are stored. No type: text and references, and what is empty. @param
 * {Dataset} dataset
 */
function valuesOf(dataset) {
  const { metadata } = dataset
  const { type, enum_type: names } = metadata
  if (type === H5T_STRING.value || type === H5T_REFERENCE.value || !metadata.shape) return { type: '', value: null }
  if (type === H5T_ENUM.value && String(Object.keys(names?.members ?? {}).sort()) === 'FALSE,TRUE')
    return { type: '?', value: dataset.value }
  const [, letter] = /^[<>]([edfqihbQIHB])$/.exec(String(dataset.dtype)) ?? []
  if (letter === undefined) return { type: String(dataset.dtype), value: null }
  // The library has no array of halves: their bits, as integers.
  if (letter === 'e') Object.assign(dataset, { _metadata: { ...metadata, type: H5T_INTEGER.value, signed: false } })
  return { type: letter, value: dataset.value }
}
