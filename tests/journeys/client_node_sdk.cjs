// The official Node SDK, both its APIs, with the helpers that applications use. Asked by argument, told as one line of JSON.
"use strict";
const { OpenAI } = require("openai");
const { zodResponseFormat, zodTextFormat } = require("openai/helpers/zod");
const { z } = require("zod");

const { address, key, upstream } = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: key });
const model = `${upstream}/any`;
const Weather = z.object({ city: z.string(), degrees: z.number() });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const GREET = [{ role: "user", content: "Greet me." }];
const BOTH = [{ role: "user", content: "Tell me both." }];

const tests = {
  async chat() {
    const { choices, usage } = await client.chat.completions.create({ model, messages: GREET });
    return [choices[0].message.content, choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens];
  },
  async chatStream() {
    const stream = client.chat.completions.stream({ model, messages: GREET, stream_options: { include_usage: true } });
    const { choices } = await stream.finalChatCompletion();
    const usage = await stream.totalUsage();
    return [choices[0].message.content, choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens];
  },
  async chatTools() {
    const asked = [];
    const tell = ({ city }) => (asked.push(city), "sunny");
    const tool = { name: "get_weather", description: "The weather.", parameters, parse: JSON.parse, function: tell };
    const runner = client.chat.completions.runTools({ model, messages: BOTH, stream: true, tools: [{ type: "function", function: tool }] });
    return [await runner.finalContent(), asked];
  },
  async chatParsed() {
    const response_format = zodResponseFormat(Weather, "weather");
    return (await client.chat.completions.parse({ model, messages: [{ role: "user", content: "The city." }], response_format })).choices[0].message.parsed;
  },
  async responses() {
    const response = await client.responses.create({ model, instructions: "Be brief.", input: "Greet me." });
    return [response.output_text, response.status, response.usage.input_tokens, response.usage.output_tokens];
  },
  async responsesStream() {
    const response = await client.responses.stream({ model, input: "Greet me." }).finalResponse();
    return [response.output_text, response.status, response.usage.input_tokens, response.usage.output_tokens];
  },
  async responsesTools() {
    const tools = [{ type: "function", name: "get_weather", description: "The weather.", parameters, strict: true }];
    const input = [...BOTH];
    const asked = [];
    for (;;) {
      const { output, output_text } = await client.responses.create({ model, input, tools, store: false });
      input.push(...output);
      const calls = output.filter((item) => item.type === "function_call");
      if (!calls.length) return [output_text, asked];
      for (const { call_id, arguments: text } of calls) {
        asked.push(JSON.parse(text).city);
        input.push({ type: "function_call_output", call_id, output: "sunny" });
      }
    }
  },
  async responsesParsed() {
    return (await client.responses.parse({ model, input: "The city.", text: { format: zodTextFormat(Weather, "weather") } })).output_parsed;
  },
  async refused() {
    try {
      await client.responses.create({ model: `${upstream}/overflowing`, input: "Hello." });
    } catch (error) {
      return [error.constructor.name, error.status, error.code];
    }
  },
  async left() {
    const stream = await client.chat.completions.create({ model: `${upstream}/endless`, messages: GREET, stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) return "left";
  },
};

(async () => {
  const told = {};
  for (const [name, test] of Object.entries(tests)) told[name] = await test().catch((error) => `${error}`);
  console.log(JSON.stringify(told));
})();
