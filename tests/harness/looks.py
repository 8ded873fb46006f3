"""JavaScript checks that run in the browser; each returns a description of the problems that it finds."""

LEAVING_THE_VIEWPORT = """() => [...document.body.querySelectorAll('*')].filter(element => {
    const box = element.getBoundingClientRect(), region = element.parentElement.closest('.region');
    return box.width && !(region && getComputedStyle(region).overflowX === 'auto')
        && (box.left < -0.5 || box.right > innerWidth + 0.5);
}).map(element => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`)"""

CLIPPED = """() => [...document.body.querySelectorAll('*')].filter(element => {
    const style = getComputedStyle(element);
    return style.overflowX !== 'visible' && style.clipPath === 'none'
        && !element.matches('.region, svg, svg *')
        && (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1);
}).map(element => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`)"""

TOO_PALE = """() => {
    const rgba = colour => {
        const parts = colour.match(/[\\d.]+/g).map(Number);
        return parts.length === 4 ? parts : [...parts, 1];
    };
    const light = ([red, green, blue]) => [red, green, blue].map(part => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    }).reduce((sum, share, index) => sum + share * [0.2126, 0.7152, 0.0722][index], 0);
    const behind = element => {
        for (let each = element; each; each = each.parentElement) {
            const colour = rgba(getComputedStyle(each).backgroundColor);
            if (colour[3] === 1) return colour;
            if (colour[3] !== 0) throw new Error(`half transparent: ${each.tagName}`);
        }
        return [255, 255, 255, 1];
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    let count = 0;
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || element.closest('svg')) continue;
        count += 1;
        const ink = rgba(getComputedStyle(element).color);
        const [text, paper] = [ink, behind(element)].map(light);
        const contrast = (Math.max(text, paper) + 0.05) / (Math.min(text, paper) + 0.05);
        if (contrast < 4.5) found.add(`${contrast}: ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return count > 100 ? [...found] : [`only ${count} texts seen`];
}"""

FOCUSED = """() => {
    const element = document.activeElement, style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    return {
        what: element === document.body ? '' : element.getAttribute('href')
            || element.getAttribute('aria-label') || element.tagName,
        seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
            && style.clipPath === 'none' && box.width > 10 && box.height > 10
            && box.bottom > 0 && box.top < innerHeight,
    };
}"""

HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(
    element => Number(element.tagName[1])
)"""
