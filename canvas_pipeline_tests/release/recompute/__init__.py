"""Compute the figures of a release's cards again: ``python -m canvas_pipeline_tests.release.recompute DATA [TRACK]``.

Shares no code with the project and needs Python alone, so an error of the project is not repeated here. Prints what is equal, what
differs and what was not computed; exits 1 where something differs.

Computed: every share of the benchmark with its wider interval, by Wilson or by wording (its ends to 0.8 points, since chance
draws the latter), and of the prompts worded by hand, from predictions and cases; rows, hashes, funnels, items, handles,
contributors, sizes and hashes of the quants, the checkpoint's hash, the headline in the header; the retained answers where a report
on each quant is there. Only read back from the records: the training's numbers, the guards' verdicts, tensor types, how many rows a
contributor's file had. Not looked at: whether an answer is honest or invents something, which completions of the policy are wrong
(both take the project's judge), licences, names of the base and the data set, allowances, texts. A turn in another notation
than the native one is malformed here by a simple test (a brace, tag or fence around a call), not by the project's rules.
"""
