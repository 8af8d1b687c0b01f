/** Views draw themselves again when what they show may have changed. */
import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import type { Live } from '../live.ts'
import { RpcError, type PageMethod, type PageParams, type PageResult } from '../rpc.ts'

export const LiveContext = createContext<Live | null>(null)

export function useLive(): Live {
  const live = useContext(LiveContext)
  if (live === null) throw new Error('no view outside of the page')
  const [, redraw] = useState(0)
  useEffect(() => {
    let changes = 0
    return live.onChange(() => {
      redraw(++changes)
    })
  }, [live])
  return live
}

export interface Asked<Result> {
  readonly result: Result | null
  readonly error: RpcError | null
}

/** Asks once for each set of parameters, again every `everyMs`, and when the line is back. */
export function useAsked<Method extends PageMethod>(
  method: Method,
  params: PageParams<Method>,
  everyMs: number | null = null,
): Asked<PageResult<Method>> {
  const live = useLive()
  const [asked, setAsked] = useState<Asked<PageResult<Method>>>({ result: null, error: null })
  const key = JSON.stringify([method, params])
  const isOpen = live.line === 'open'
  useEffect(() => {
    if (!isOpen) return
    let isOver = false
    const ask = async (): Promise<void> => {
      try {
        const result = await live.rpc.call(method, params)
        if (!isOver) setAsked({ result, error: null })
      } catch (error) {
        if (!(error instanceof RpcError)) throw error
        if (!isOver) setAsked((before) => ({ result: before.result, error }))
      }
    }
    setAsked({ result: null, error: null })
    void ask()
    const timer = everyMs === null ? null : window.setInterval(() => void ask(), everyMs)
    return () => {
      isOver = true
      if (timer !== null) window.clearInterval(timer)
    }
  }, [key, isOpen, everyMs])
  return asked
}
