"""The report in a real browser: no errors, no requests, and everything works by pointer and by keyboard."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest

from deepexplain_tf.explanation import Explanation
from deepexplain_tf.explanation.report import write_report

pytest.importorskip("selenium", reason="selenium drives the browser")
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None, reason="Chromium is not installed"
)
R = np.random.default_rng(0)
_AXE = os.environ.get("AXE_CORE", "")  # the file axe.min.js


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,1600"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    values = np.zeros((2, 16, 16, 3))
    values[:, 2, 3], values[:, 10:, :4] = 3.0, -1.0
    fields = {"outputs": np.ones(2), "target": 1, "notes": ("stripped Softmax",), "class_names": ("cat", "dog")}
    photo = Explanation(attributions=values, inputs=R.random((2, 16, 16, 3)), method="deeplift", **fields)
    words = Explanation(
        attributions=R.normal(size=(2, 3)), tokens=(("not", "so", "good"),) * 2, method="integrated_gradients", **fields
    )
    bars = Explanation(attributions=R.normal(size=(2, 3)), feature_names=("a", "b", "c"), method="saliency", **fields)
    scores = [["method", "deletion ↓"], ["deeplift", "0.5 ± 0.1"]]
    by_method = {"deeplift": photo, "integrated_gradients": words, "saliency": bars}
    write_report(by_method, path, scores=scores, predictions=[[0.1, 0.9]] * 2)
    return path


@pytest.fixture
def opened(browser, page):
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(page.as_uri())
    WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "[data-drawn]"))
    return browser


def test_no_errors_and_no_requests(opened, page):
    assert opened.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in opened.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in asked
    assert [url for url in asked if url != page.as_uri() and not url.startswith("data:")] == []


def _shown(browser):
    panels = browser.find_elements(By.CSS_SELECTOR, "#p0-0, #p0-1, #p0-2")
    return [panel.get_attribute("id") for panel in panels if panel.is_displayed()]


def test_tabs_by_pointer_and_by_keyboard(opened):
    tabs = opened.find_element(By.CSS_SELECTOR, "[data-example]").find_elements(By.CSS_SELECTOR, "[role=tab]")
    assert _shown(opened) == ["p0-0"]
    tabs[1].click()
    assert _shown(opened) == ["p0-1"] and tabs[1].get_attribute("aria-selected") == "true"
    assert "not" in opened.find_element(By.ID, "p0-1").text
    tabs[1].send_keys(Keys.ARROW_RIGHT)
    assert _shown(opened) == ["p0-2"] and opened.switch_to.active_element.get_attribute("id") == "t0-2"
    opened.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert _shown(opened) == ["p0-0"]
    opened.switch_to.active_element.send_keys(Keys.END)
    assert _shown(opened) == ["p0-2"]


def _pixel(browser, column, row):
    script = """
        const canvas = document.querySelector("#p0-0 canvas"), scale = canvas.width / 16;
        const [x, y] = [...arguments].map(place => (place + 0.5) * scale);
        return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data]
    """
    return browser.execute_script(script, column, row)[:3]


def test_the_slider_changes_the_map(opened):
    slider = opened.find_element(By.CSS_SELECTOR, "#p0-0 input[type=range]")
    slider.send_keys(Keys.END)
    assert _pixel(opened, 3, 2) == [178, 24, 43]
    slider.send_keys(Keys.HOME)
    red, green, blue = _pixel(opened, 3, 2)
    assert red == green == blue  # the grey picture alone


def test_values_under_the_pointer_and_by_keyboard(opened):
    canvas = opened.find_element(By.CSS_SELECTOR, "#p0-0 canvas")
    value = opened.find_element(By.CSS_SELECTOR, "#p0-0 .value")
    width, height = canvas.size["width"], canvas.size["height"]
    x, y = (3.5 / 16 - 0.5) * width, (2.5 / 16 - 0.5) * height
    ActionChains(opened).move_to_element_with_offset(canvas, round(x), round(y)).perform()
    assert value.text == "row 2, column 3: at least 3.00"  # of 9, beyond the full colour
    canvas.send_keys(Keys.ARROW_DOWN)
    assert value.text == "row 3, column 3: 0.00"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_in_the_light_and_in_the_dark(opened, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        wide, shown = opened.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= shown
        colour = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 20, 20)"}[scheme]
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.skipif(not _AXE, reason="AXE_CORE names no file axe.min.js of axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_fault_of_accessibility(opened, scheme):
    opened.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    opened.execute_script(pathlib.Path(_AXE).read_text())
    for tab in range(3):
        opened.find_element(By.ID, f"t0-{tab}").click()
        found = opened.execute_async_script("const done = arguments[0]; axe.run().then(done)")
        serious = [fault for fault in found["violations"] if fault["impact"] in ("serious", "critical")]
        assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in serious] == []
