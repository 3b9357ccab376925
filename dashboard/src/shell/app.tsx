import { useQuery } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { Busy } from '../parts/empty.js'
import { Problem } from '../parts/problem.js'
import { problemOf } from '../server/api.js'
import { sessionQuery } from '../server/session.js'
import { useAskedAgain } from '../server/sign-in-again.js'
import type { LinkCode } from './code-in-link.js'
import { router } from './router.js'
import css from './app.module.css'

const SignIn = lazy(async () => ({ default: (await import('../pages/sign-in/sign-in.js')).SignIn }))

const SignInAgain = lazy(async () => ({
  default: (await import('./sign-in-again.js')).SignInAgain,
}))

/** The page that was asked for, to whom the coordinator knows; else who one is, in its place. */
export function App({ code: given }: { readonly code: LinkCode | null }) {
  const [code, setCode] = useState(given)
  const asked = useAskedAgain()
  const { data: session, error, isPending, refetch } = useQuery(sessionQuery)
  // Whoever is in has used it up.
  if (code !== null && session !== null && session !== undefined) setCode(null)
  if (isPending) return <Busy label="Loading …" />
  if (error !== null && session === undefined)
    return (
      <main className={css['alone']}>
        <Problem error={problemOf(error)} onRetry={() => void refetch()} />
      </main>
    )
  if (session === null)
    return (
      <Suspense fallback={<Busy label="Loading …" />}>
        <SignIn code={code} />
      </Suspense>
    )
  return (
    <>
      <RouterProvider router={router} />
      {asked !== null && (
        <Suspense>
          <SignInAgain reason={asked} />
        </Suspense>
      )}
    </>
  )
}
