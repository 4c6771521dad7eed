"""Draws a game under way of every board game, and all side by side: `python docs/board_images.py`."""

from pathlib import Path

from PIL import Image

from quadrivium.envs.board.registry import GAMES
from quadrivium.envs.board.render import BoardRenderer

FOLDER = Path(__file__).parent / "images" / "board"
COLOURS = 64
COLUMNS, WIDTH, HEIGHT = 4, 240, 240  # of the picture of all games
MOVES = {
    "Backgammon": (
        "8/6 13/7 8/5 13/9 8/7 8/7 7/6 7/6 24/18* 18/13 bar/24 24/20* "
        "bar/23 9/3 24/22* 24/23 bar/21 8/3* bar/22* 6/4* bar/20 20/17* 4/1* 23/20"
    ),
    "Breakthrough": "d2d3 e7e6 e2e3 c7d6 f2f3 g7f6 c2c3 d6d5 d3d4 f6e5",
    "Chess": "e4 e5 Nf3 Nc6 Bb5 a6 Ba4 Nf6 O-O Be7 Re1 b5 Bb3 d6 c3 O-O h3 Na5 Bc2 c5 d4",
    "ConnectFour": "d d d d e c c e e c b f c e",
    "Go": "e5 c5 g4 g6 d3 c3 d4 c4 f6 g7 f7 h5 h4 g5 f5 f8 e8 g8",
    "Gomoku": "h8 g9 i9 g7 j10 g10 k11 l12 g8 h9 i8 i7 f6 j8 h7",
    "Hex": "f6 e7 d7 g5 e8 g4 f4 h3 h4 c9 d8 i3 i2 j4 c5",
    "Othello": "f5 d6 c3 d3 c4 f4 c5 b3 c2 e3 d2",
    "TicTacToe": "b2 a3 c3 a1 a2",
}


def save(picture: Image.Image, path: Path, colours: int = COLOURS) -> None:
    """Writes a PNG with a small palette."""
    picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


def main() -> None:
    """Writes a picture of each game and one of all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    frames = []
    for name, game_class in GAMES.items():
        game = game_class()
        frames.append(Image.fromarray(BoardRenderer(game).draw(game.play_moves(MOVES[name])[0])))
        save(frames[-1], FOLDER / f"{name}.png")
    background = frames[0].getpixel((0, 0))
    together = Image.new("RGB", (COLUMNS * WIDTH, -(-len(frames) // COLUMNS) * HEIGHT), background)
    for k, frame in enumerate(frames):
        frame.thumbnail((WIDTH, HEIGHT))
        left, top = k % COLUMNS * WIDTH, k // COLUMNS * HEIGHT
        together.paste(frame, (left + (WIDTH - frame.width) // 2, top + (HEIGHT - frame.height) // 2))
    save(together, FOLDER.parent / "board_games.png", colours=4 * COLOURS - 1)


if __name__ == "__main__":
    main()
