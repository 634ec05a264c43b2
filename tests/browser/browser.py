# SPDX-License-Identifier: GPL-2.0-only
"""A headless Chromium over its debugging pipe: messages of the Chrome DevTools Protocol, each ended by a NUL."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

WAIT_S = 60


class BrowserError(Exception):
    pass


class Browser:
    """One browser with one page; events are kept until take_events()."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="sdei-browser-")
        to_read, self.to = os.pipe()
        self.back, back_write = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                 "--disable-component-update", "--disable-default-apps", "--disable-sync", "--hide-scrollbars",
                 f"--user-data-dir={self.directory}", "--remote-debugging-pipe", "about:blank"]
        # The browser reads from 3 and writes to 4.
        script = f'exec chromium "$@" 3<&{to_read} 4>&{back_write}'
        with open(os.path.join(self.directory, "log"), "wb") as log:
            self.process = subprocess.Popen(["bash", "-c", script, "chromium", *flags], pass_fds=(to_read, back_write),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        os.close(to_read)
        os.close(back_write)
        self.rest, self.events, self.count, self.session = b"", [], 0, None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def close(self):
        try:
            self.session = None
            self.send("Browser.close")
            self.process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def receive(self, end):
        """The next message; None when time is up."""
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], max(0, end - time.time()))
            if not ready:
                return None
            part = os.read(self.back, 1 << 16)
            if not part:
                raise BrowserError(f"the browser has ended: {self.log()[-1000:]}")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def send(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.to, text):]
        end = time.time() + WAIT_S
        while True:
            answer = self.receive(end)
            if answer is None:
                raise BrowserError(f"no answer to {method} within {WAIT_S} s")
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def await_event(self, method):
        end = time.time() + WAIT_S
        while not any(event.get("method") == method for event in self.events):
            event = self.receive(end)
            if event is None:
                raise BrowserError(f"no {method} within {WAIT_S} s")
            self.events.append(event)

    def take_events(self):
        self.evaluate("0")      # what the page has done is told by then
        events, self.events = self.events, []
        return events

    def size(self, width, height, mobile=False):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def colours(self, scheme):
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        """Loads a file; what happened meanwhile is in take_events()."""
        self.events = []
        self.send("Page.navigate", url="file://" + path)
        self.await_event("Page.loadEventFired")

    def evaluate(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression[:80]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def screenshot(self, path, whole=False):
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
