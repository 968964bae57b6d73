/** @file The page that prunes: a file is opened, looked at, pruned and saved. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { grouped, percent } from '../shared/format.ts'
import { Header } from '../shared/header.tsx'
import { save } from '../shared/save.ts'
import type { Format } from '../work/opened.ts'
import type { Asked, Outcome, Tell } from '../work/prune.ts'
import { Client, Stopped } from './client.ts'
import { Drop } from './drop.tsx'
import { Layers } from './layers.tsx'
import type { Facts } from './protocol.ts'
import { Result } from './result.tsx'
import { Settings } from './settings.tsx'

export interface Work {
  text: string
  share: number
  /** Seconds, where they are known. */
  left?: number
}

export function App() {
  const client = useRef<Client>(undefined)
  const [facts, setFacts] = useState<Facts>()
  const [outcome, setOutcome] = useState<Outcome>()
  const [work, setWork] = useState<Work>()
  const [error, setError] = useState('')
  const [status, setStatus] = useState('')
  useEffect(() => {
    client.current = new Client()
  }, [])

  /** Does something that takes time, and shows the one sentence of what fails. */
  const during = async (text: string, action: (tell: Tell) => Promise<void>) => {
    setError('')
    setWork({ text, share: 0 })
    try {
      await action((now, share, left) => setWork({ text: now, share, left }))
    } catch (failed) {
      if (!(failed instanceof Stopped)) setError((failed as Error).message)
    }
    setWork(undefined)
  }

  const show = (found: Facts) => {
    setOutcome(undefined)
    setFacts(found)
    const weights = found.tensors.reduce((sum, { size }) => sum + size, 0)
    setStatus(`${found.name} is open: ${found.tensors.length} tensors, ${grouped(weights)} weights.`)
  }

  const open = (name: string, read: () => Promise<ArrayBuffer>) =>
    during(`Opening ${name}`, async () => show(await client.current!.open(name, new Uint8Array(await read()))))

  const openAs = (network: string) =>
    during(`Opening as ${network}`, async () => show(await client.current!.openAs(network)))

  const prune = (asked: Asked) =>
    during('Pruning', async (tell) => {
      const found = await client.current!.ask('prune', { asked }, tell)
      setOutcome(found)
      setStatus(`Pruned: ${percent(found.after.zeros / found.weights)} of the weights are zero.`)
    })

  const stop = async () => {
    setStatus('Stopped: the network is as it was.')
    setOutcome(undefined)
    await client.current!.stop()
  }

  const download = (format: Format) =>
    during('Writing', async () => {
      const base = facts!.name.replace(/\.[^.]*$/, '')
      save(await client.current!.ask('file', { format }), `${base}.pruned.${format}`)
      setStatus(`${base}.pruned.${format} is saved.`)
    })

  return (
    <>
      <Header page="prune" />
      <main class="wide">
        <h1>Prune a network</h1>
        <p class="lead">Open a network, see its layers, make most of its weights zero, and keep what is left.</p>
        <Drop open={open} busy={work !== undefined} current={facts} error={error} />
        <p class="visually-hidden" aria-live="polite">
          {work ? work.text : status}
        </p>
        {facts && client.current && (
          <>
            <Layers facts={facts} outcome={outcome} client={client.current} busy={work !== undefined} openAs={openAs} />
            <Settings key={`${facts.name} ${facts.summary}`} facts={facts} work={work} prune={prune} stop={stop} />
            <Result facts={facts} outcome={outcome} download={download} busy={work !== undefined} />
          </>
        )}
      </main>
    </>
  )
}
