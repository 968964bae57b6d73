/** @file The studio: its head, and the view that the address names. */
import { useEffect, useState } from 'preact/hooks'
import type { Counts, Studio } from '../../src/studio/api.ts'
import { Compare } from './compare.tsx'
import { useAsked, useLive } from './live.ts'
import { hashOf, type Route, useRoute } from './route.ts'
import { Run } from './run.tsx'
import { Runs } from './runs.tsx'
import { Start } from './start.tsx'
import { Sweep } from './sweep.tsx'
import { Sweeps } from './sweeps.tsx'

export function App() {
  const route = useRoute()
  const { value: studio, error } = useAsked<Studio>('studio', {}, () => false)
  const [counts, setCounts] = useState<Counts>()
  const [connected, setConnected] = useState(true)
  useLive((event) => {
    if (event.type === 'change') setCounts(event.change.counts)
    if (event.type === 'connected') setConnected(event.is)
  }, [])
  const title = titleOf(route)
  useEffect(() => {
    document.title = `${title} – Espalier studio`
  }, [title])
  return (
    <>
      <header class="top">
        <div class="wide">
          <span class="brand">Espalier studio</span>
          <nav aria-label="Views">
            <Link to={{ view: 'runs' }} now={route} text="Runs" />
            <Link to={{ view: 'sweeps' }} now={route} text="Sweeps" />
            {studio?.allowRun && <Link to={{ view: 'start' }} now={route} text="Start" />}
            {studio?.playground && <a href="/playground/">Playground</a>}
          </nav>
          <span class="soft promise" role="status">
            {connected ? (counts ? stateText(counts) : '') : 'no connection to the studio; trying again'}
          </span>
        </div>
      </header>
      <main class="wide">
        {error && <p class="note">{error}</p>}
        {studio && <View route={route} studio={studio} />}
      </main>
    </>
  )
}

function View({ route, studio }: { route: Route; studio: Studio }) {
  switch (route.view) {
    case 'runs':
      return <Runs studio={studio} />
    case 'run':
      return <Run key={route.id} id={route.id} studio={studio} />
    case 'compare':
      return <Compare key={hashOf(route)} ids={route.ids} />
    case 'sweeps':
      return <Sweeps studio={studio} />
    case 'sweep':
      return <Sweep key={route.id} id={route.id} studio={studio} />
    case 'start':
      return <Start />
  }
}

function Link({ to, now, text }: { to: Route; now: Route; text: string }) {
  const here = to.view === now.view
  const within =
    (to.view === 'runs' && ['run', 'compare'].includes(now.view)) || (to.view === 'sweeps' && now.view === 'sweep')
  return (
    <a href={hashOf(to)} aria-current={here ? 'page' : within ? 'true' : undefined}>
      {text}
    </a>
  )
}

function titleOf(route: Route): string {
  if (route.view === 'run' || route.view === 'sweep') return route.id
  return { runs: 'Runs', compare: 'Comparison', sweeps: 'Sweeps', start: 'Start' }[route.view]
}

const stateText = ({ running, done, stopped, reading }: Counts): string =>
  [
    `${running} running`,
    `${done} done`,
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    ...(reading > 0 ? [`reading ${reading}`] : []),
  ].join(', ')
