/** @file Asks the studio's server, and says in a sentence what it refuses. */

/** A value as JSON. Throws an Error with the server's sentence. */
export async function ask<T>(
  path: string,
  query: Record<string, string | number> = {},
  signal?: AbortSignal,
): Promise<T> {
  const text = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  return answer<T>(await fetch(`/api/${path}?${text}`, { signal }))
}

/** Sends a value as JSON. Throws as {@link ask} does. */
export async function send<T>(path: string, value: object): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return answer<T>(await fetch(`/api/${path}`, { method: 'POST', headers, body: JSON.stringify(value) }))
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return response.json()
  const text = await response.text()
  throw new Error(sentenceOf(text) ?? (text.trim() || `the studio answered ${response.status}`))
}

function sentenceOf(text: string): string | undefined {
  try {
    return JSON.parse(text).error
  } catch {
    return undefined
  }
}
