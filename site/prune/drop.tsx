/** @file Where a file is dropped or chosen, or the sample taken. */
import { useEffect, useState } from 'preact/hooks'
import { FileButton } from '../shared/file-button.tsx'
import type { Facts } from './protocol.ts'

interface Props {
  open(name: string, read: () => Promise<ArrayBuffer>): void
  busy: boolean
  current?: Facts
  /** What went wrong last, here or elsewhere on the page. */
  error: string
}

const SAMPLE = 'lenet-5.onnx'

export function Drop({ open, busy, current, error }: Props) {
  const [over, setOver] = useState(false)
  const take = (file: File | undefined) => file && open(file.name, () => file.arrayBuffer())

  useEffect(() => {
    // A file that misses the frame must not replace the page.
    const keep = (event: DragEvent) => event.preventDefault()
    const events = ['dragover', 'drop'] as const
    for (const event of events) addEventListener(event, keep)
    return () => {
      for (const event of events) removeEventListener(event, keep)
    }
  }, [])

  const sample = async () => {
    const response = await fetch(`./${SAMPLE}`)
    if (!response.ok) throw new Error(`the sample cannot be fetched: ${response.status} ${response.statusText}`)
    return response.arrayBuffer()
  }

  return (
    <section aria-labelledby="network">
      <h2 id="network">Network</h2>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same */}
      <div
        class={over ? 'card drop over' : 'card drop'}
        onDragOver={() => setOver(true)}
        onDragLeave={() => setOver(false)}
        onDrop={(event: DragEvent) => {
          setOver(false)
          take(event.dataTransfer?.files[0])
        }}
      >
        <p class="name">
          {current ? (
            <>
              <strong>{current.name}</strong> <span class="soft">{current.summary}</span>
            </>
          ) : (
            'Drop an ONNX or safetensors file here.'
          )}
        </p>
        <div class="buttons">
          <FileButton
            id="file"
            label="An ONNX or safetensors file"
            accept=".onnx,.safetensors"
            text="Choose a file"
            main={!current}
            disabled={busy}
            take={take}
          />
          <button type="button" disabled={busy} onClick={() => open(SAMPLE, sample)}>
            Take the sample, LeNet-5
          </button>
        </div>
      </div>
      {!current && (
        <p class="soft">
          ONNX models with their values inside, and safetensors files. What runs here is also timed and judged; of any
          other file the weights are pruned by their magnitude.
        </p>
      )}
      <p class="error" role="alert">
        {error}
      </p>
    </section>
  )
}
