import { useState } from 'react'
import { isJsonObject, type JsonObject } from '#protocol/json.js'

export interface ConfigState {
  readonly config: JsonObject
  /** The same as text; while `problem` is there, what a person is still writing. */
  readonly text: string
  readonly problem: string | null
  readonly isChanged: boolean
  readonly change: (config: JsonObject) => void
  readonly write: (text: string) => void
}

/** One configuration that is edited in two ways. */
export function useConfig(initial: JsonObject): ConfigState {
  const [config, setConfig] = useState(initial)
  const [text, setText] = useState(() => textOf(initial))
  const [problem, setProblem] = useState<string | null>(null)
  return {
    ...{ config, text, problem },
    isChanged: problem !== null || textOf(config) !== textOf(initial),
    change: (next) => {
      setConfig(next)
      setText(textOf(next))
      setProblem(null)
    },
    write: (next) => {
      setText(next)
      const parsed = parseConfigText(next)
      if (typeof parsed === 'string') setProblem(parsed)
      else {
        setProblem(null)
        setConfig(parsed)
      }
    },
  }
}

export const textOf = (config: JsonObject): string =>
  // Lists of numbers and words in one line, as people write them.
  JSON.stringify(config, null, 2).replaceAll(
    /\[\s+([^[\]{}]*?)\s+\]/g,
    (_, inner: string) => `[${inner.replaceAll(/\s*\n\s*/g, ' ')}]`,
  )

/** The configuration, or why the text is none. */
export function parseConfigText(text: string): JsonObject | string {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text)
    return isJsonObject(value) ? value : 'A configuration is an object: { … }'
  } catch (cause) {
    const [, where] = /position (\d+)/.exec(String(cause)) ?? []
    if (where === undefined) return 'This is no JSON yet'
    const line = text.slice(0, Number(where)).split('\n').length
    return `This is no JSON yet: see line ${line}`
  }
}
