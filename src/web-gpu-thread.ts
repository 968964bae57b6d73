/** @file The script of a worker that has the device of a {@link webGpuMachine} (espalier/web/gpu). */
import { serveDevice } from './engine/machines/webgpu-serve.js'

const port = globalThis as unknown as {
  onmessage: (event: { data: unknown }) => void
  postMessage(message: unknown): void
}

serveDevice(navigator.gpu, {
  onMessage(listener) {
    port.onmessage = ({ data }) => listener(data)
  },
  postMessage: (message) => port.postMessage(message),
})
