"""Draws a market maker at work in the limit order book: `python docs/limit_order_book_image.py`."""

from pathlib import Path

from PIL import Image

from quadrivium.envs.trading.limit_order_book.env import LimitOrderBookEnv

TARGET = Path(__file__).parent / "images" / "limit_order_book.png"
SEED, DECISIONS = 3, 60
QUOTES = 1 + 7 * 4 + 3  # 3 shares at the best bid, 1 at the best ask


def main() -> None:
    """Writes the book after some time of quoting both sides."""
    env = LimitOrderBookEnv(render_mode="rgb_array")
    env.reset(seed=SEED)
    for _ in range(DECISIONS):
        env.step(QUOTES)
    Image.fromarray(env.render()).quantize(64).save(TARGET)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
