/** @file The script of a worker that is a thread of {@link wasmThreads} (espalier/web). */
import { serveParts, type ThreadMessage } from './engine/machines/wasm-thread.ts'

const port = globalThis as unknown as {
  onmessage: (event: { data: ThreadMessage }) => void
  postMessage(message: unknown): void
}

serveParts({
  onMessage(listener) {
    port.onmessage = ({ data }) => listener(data)
  },
  postMessage: (message) => port.postMessage(message),
})
