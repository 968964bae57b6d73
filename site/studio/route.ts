/** @file Which view an address shows: what follows its #, so that every view has an address. */
import { useEffect, useState } from 'preact/hooks'

export type Route =
  | { view: 'runs' }
  | { view: 'run'; id: string }
  | { view: 'compare'; ids: string[] }
  | { view: 'sweeps' }
  | { view: 'sweep'; id: string }
  | { view: 'start' }

/** The most runs that are compared: more lines are not told apart. */
export const MOST_COMPARED = 10

export function routeOf(hash: string): Route {
  const [view, ...parts] = hash.replace(/^#\/?/, '').split('?')
  const ids = new URLSearchParams(parts.join('?')).getAll('id')
  if (view === 'compare') return { view, ids: ids.slice(0, MOST_COMPARED) }
  if (view === 'sweeps' || view === 'start') return { view }
  if ((view === 'run' || view === 'sweep') && ids.length > 0) return { view, id: ids[0] }
  return { view: 'runs' }
}

/** The address of a view. */
export function hashOf(route: Route): string {
  const ids = 'ids' in route ? route.ids : 'id' in route ? [route.id] : []
  const query = new URLSearchParams(ids.map((id) => ['id', id])).toString()
  return `#/${route.view === 'runs' ? '' : route.view}${query ? `?${query}` : ''}`
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const changed = () => setHash(location.hash)
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return routeOf(hash)
}
