// Loaded by node before Portkey's gateway, which listens on every interface and has no option for the address (1.15.2).
const net = require("node:net");

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (port, ...rest) {
  const callbacks = rest.filter((each) => typeof each === "function");
  return listen.call(this, { port, host: "127.0.0.1" }, ...callbacks);
};
