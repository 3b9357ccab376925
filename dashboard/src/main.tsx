import './no-eval.js'
import './look/tokens.css'
import './look/base.css'
import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { startTheme } from './look/theme.js'
import { queryClient } from './server/client.js'
import { App } from './shell/app.js'
import { takeCodeFromLink } from './shell/code-in-link.js'

startTheme()
const code = takeCodeFromLink()
const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <App code={code} />
      </QueryClientProvider>
    </StrictMode>,
  )
