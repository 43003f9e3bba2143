"""The Discord bot, which `agent.discord_adapter` runs.

    bot ─ what Discord sends: commands, buttons, setup, and the messages that are questions
     └─ answering ─ who may ask, and what becomes of a question
         ├─ service ─ the HTTP API that is asked
         ├─ messages ─ an answer in words, and markdown ─ made harmless and cut to fit
         └─ showing ─ the messages that it becomes

Beside them: memory (what outlives a restart), health (metrics), logs (without tokens), checks (for `doctor`).
"""
