// Vercel's AI SDK by each of the three ways that lead to a gateway. Asked by argument, told as one line of JSON.
"use strict";
const { generateObject, generateText, stepCountIs, streamText, tool } = require("ai");
const { createOpenAI } = require("@ai-sdk/openai");
const { createOpenAICompatible } = require("@ai-sdk/openai-compatible");
const { z } = require("zod");

globalThis.AI_SDK_LOG_WARNINGS = false;
const { address, key, upstream } = JSON.parse(process.argv[2]);
const settings = { baseURL: `${address}/v1`, apiKey: key };
const openai = createOpenAI(settings);
const compatible = createOpenAICompatible({ ...settings, name: "dragoman", includeUsage: true, supportsStructuredOutputs: true });
const ways = { responses: (name) => openai(name), chat: (name) => openai.chat(name), compatible: (name) => compatible(name) };
// Without it what came before is not sent again but referred to, which only OpenAI itself can follow.
const providerOptions = { openai: { store: false } };
const asked = [];
const tell = ({ city }) => (asked.push(city), "sunny");
const get_weather = tool({ description: "The weather.", inputSchema: z.object({ city: z.string() }), execute: tell });
const kinds = async (stream) => {
  const seen = new Set();
  for await (const part of stream) {
    if (part.type === "error") throw part.error;
    seen.add(part.type);
  }
  return seen;
};

const tests = {
  async text(model) {
    const { text, finishReason, usage } = await generateText({ model, prompt: "Greet me.", providerOptions });
    return [text, finishReason, usage.inputTokens, usage.outputTokens];
  },
  async stream(model) {
    const answer = streamText({ model, prompt: "Greet me.", providerOptions, onError() {} });
    await kinds(answer.fullStream);
    const usage = await answer.totalUsage;
    return [await answer.text, await answer.finishReason, usage.inputTokens, usage.outputTokens];
  },
  async conversation(model) {
    const tools = { get_weather };
    const messages = [{ role: "user", content: "Tell me both." }];
    const first = streamText({ model, messages, tools, providerOptions, stopWhen: stepCountIs(4), onError() {} });
    const seen = await kinds(first.fullStream);
    messages.push(...(await first.response).messages, { role: "user", content: "Greet me." });
    const second = await generateText({ model, messages, tools, providerOptions });
    return [asked.splice(0), await first.text, second.text, seen.has("tool-result")];
  },
  async object(model) {
    const schema = z.object({ city: z.string(), degrees: z.number() });
    return (await generateObject({ model, schema, prompt: "The city.", providerOptions })).object;
  },
  async refused(_, named) {
    try {
      await generateText({ model: named(`${upstream}/overflowing`), prompt: "Hello.", providerOptions });
    } catch (error) {
      return [error.name, error.statusCode];
    }
  },
  async left(_, named) {
    const control = new AbortController();
    const answer = streamText({ model: named(`${upstream}/endless`), prompt: "Go on.", abortSignal: control.signal, providerOptions, onError() {} });
    for await (const part of answer.fullStream) {
      if (part.type === "text-delta") control.abort();
      if (part.type === "abort") return "left";
    }
  },
};

(async () => {
  const told = {};
  for (const [way, named] of Object.entries(ways)) {
    told[way] = {};
    for (const [name, test] of Object.entries(tests)) told[way][name] = await test(named(`${upstream}/any`), named).catch((error) => `${error}`);
  }
  console.log(JSON.stringify(told));
})();
