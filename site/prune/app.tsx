/** @file The page that prunes: a file is opened, looked at, pruned and saved. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { grouped, percent } from '../shared/format.ts'
import { Header } from '../shared/header.tsx'
import { save } from '../shared/save.ts'
import type { Asked } from '../work/asked.ts'
import type { Format } from '../work/opened.ts'
import type { Outcome, Tell } from '../work/prune.ts'
import type { Sensitivity } from '../work/sensitivity.ts'
import { Client, Stopped } from './client.ts'
import { Drop } from './drop.tsx'
import { Layers } from './layers.tsx'
import { Pictures } from './pictures.tsx'
import type { Facts } from './protocol.ts'
import { reportOf } from './report.ts'
import { Result } from './result.tsx'
import { SensitivityTable } from './sensitivity-table.tsx'
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
  const [sensitivity, setSensitivity] = useState<Sensitivity>()
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
    setSensitivity(undefined)
    setFacts(found)
    const weights = found.tensors.reduce((sum, { size }) => sum + size, 0)
    setStatus(`${found.name} is open: ${found.tensors.length} tensors, ${grouped(weights)} weights.`)
  }

  const open = (name: string, read: () => Promise<ArrayBuffer>) =>
    work
      ? setError(`${name} is not opened while something else goes on: cancel that, or wait for its end`)
      : during(`Opening ${name}`, async () => show(await client.current!.open(name, new Uint8Array(await read()))))

  const openAs = (network: string) =>
    during(`Opening as ${network}`, async () => show(await client.current!.openAs(network)))

  const prune = (asked: Asked) =>
    during('Pruning', async (tell) => {
      const found = await client.current!.ask('prune', { asked }, tell)
      setOutcome(found)
      setStatus(`Pruned: ${percent(found.after.zeros / found.weights)} of the weights are zero.`)
    })

  const measure = ({ method, granularity, samples }: Asked) =>
    during('Measuring', async (tell) => {
      const asked = { method, granularity, samples }
      setSensitivity(await client.current!.ask('sensitivity', { asked }, tell))
      setStatus('Measured: the table of sensitivity is there.')
    })

  const stop = async () => {
    setStatus(`Stopped: the network is as it was${outcome ? ', and what was pruned before is gone' : ''}.`)
    setOutcome(undefined)
    await client.current!.stop()
  }

  const base = facts?.name.replace(/\.[^.]*$/, '')
  const download = (format: Format) =>
    during('Writing', async () => {
      save(await client.current!.ask('file', { format }), `${base}.pruned.${format}`)
      setStatus(`${base}.pruned.${format} is saved.`)
    })
  const report = () => {
    const page = reportOf({
      facts: facts!,
      outcome: outcome!,
      sensitivity,
      browser: navigator.userAgent,
      date: new Date(),
    })
    save(page, `${base}.report.html`, 'text/html')
    setStatus(`${base}.report.html is saved.`)
  }
  const busy = work !== undefined

  return (
    <>
      <Header page="prune" />
      <main class="wide">
        <h1>Prune a network</h1>
        <p class="lead">Open a network, see its layers, make most of its weights zero, and keep what is left.</p>
        <Drop open={open} busy={busy} current={facts} error={error} />
        <p class="visually-hidden" aria-live="polite">
          {work ? work.text : status}
        </p>
        {facts && client.current && (
          <>
            <Layers facts={facts} outcome={outcome} client={client.current} busy={busy} openAs={openAs} />
            <Settings
              key={`${facts.name} ${facts.summary}`}
              facts={facts}
              work={work}
              status={status}
              prune={prune}
              measure={measure}
              stop={stop}
            />
            <SensitivityTable sensitivity={sensitivity} />
            <Result facts={facts} outcome={outcome} download={download} report={report} busy={busy} />
            <Pictures
              key={`pictures ${facts.name} ${facts.summary}`}
              facts={facts}
              outcome={outcome}
              client={client.current}
              busy={busy}
            />
          </>
        )}
      </main>
    </>
  )
}
