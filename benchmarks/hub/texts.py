"""Titles and descriptions of generated records: Korean and English, common words and rare ones."""

from __future__ import annotations

from random import Random

__all__ = ["QUESTIONS", "text_of"]

_THINGS = """
전고체전지 고체전해질 급속충전 열폭주 양극재 음극재 분리막 등가회로 원자로 노심 고속로 핵연료 중성자 붕소 단백질 항체 용해도 친화도 효소 유전자
연산증폭기 집적회로 광도파로 메모리 전력반도체 촉매 수소저장 태양전지 연료전지 초전도체 합금 세라믹 고분자 나노입자 박막 레이저 플라즈마 냉각재
반응로 수송로 센서 로봇 항공기 터빈 교량 콘크리트 기후 해양 토양 미생물 백신 세포 조직 신경 암 골격 혈관 심장 간독성 임피던스
""".split()
_QUALITIES = """
온도 밀도 수명 효율 전도도 반응도 안정성 내구성 잡음 손실 저항 출력 분포 농도 두께 강도 점도 계면 구조 거동 열화 팽윤 감쇠 이득 대역폭 위상 전류 전압
""".split()
_DEEDS = "측정 예측 최적화 모사 비교 해석 설계 평가 추정 분류 보정 검증 추적 합성 제어".split()
_LINKS = ("의 ", "에서의 ", "에 따른 ", "과 ", " ", "")
_ENGLISH = """
solid electrolyte battery charging reactor core loading protein antibody amplifier circuit waveguide catalyst hydrogen polymer membrane
alloy plasma laser sensor robot turbine climate ocean soil vaccine enzyme solubility affinity conductivity impedance yield stability
""".split()
_FILLING = "시험 조건은 표에 있다. 자료는 반복 측정의 평균이다. 모형의 가정을 함께 적었다.".split(". ")

QUESTIONS = (
    *("온도", "노심", "수명", "합금", "촉매", "밀도", "백신", "원자로", "친화도", "열폭주"),
    *("전고체전지", "고체 전해질", "집적 회로", "연산증폭기", "전력 반도체", "급속 충전 프로토콜"),
    *("원자로의", "전고체전지에서의", "용해도를", "항체와", "급속충전으로", "노심에서"),
    *("전고체전지의 수명", "원자로 냉각재 온도", "단백질에서 안정성", "박막의 두께 측정", "고속로와 노심"),
    *("battery", "reactor core", "solid electrolyte", "amplifiers", "solubility prediction"),
    *("Li6PS5Cl", "sample-4711", "없는말"),
)
"""What is looked for: two syllables, compounds joined and spaced, particles, two ideas, English, formulae, rare, nowhere."""


def text_of(number: int) -> tuple[str, str]:
    """A title and a description; three of five are Korean. Words are taken by a steep law: few are common, many are rare."""
    random = Random(number)

    def some(words: list[str]) -> str:
        return words[int(len(words) * random.random() ** 3)]

    if random.random() < 0.6:
        title = f"{some(_THINGS)}{random.choice(_LINKS)}{some(_QUALITIES)} {some(_DEEDS)}"
        body = [f"{some(_THINGS)}{random.choice(_LINKS)}{some(_QUALITIES)}를 {some(_DEEDS)}하였다." for _ in range(3)]
    else:
        title = f"{some(_ENGLISH).title()} {some(_ENGLISH)} {some(_ENGLISH)}"
        body = [" ".join(some(_ENGLISH) for _ in range(9)) + "." for _ in range(3)]
    formula = f"Li{random.randrange(2, 9)}P{random.choice('SO')}{random.randrange(3, 7)}{random.choice(['Cl', 'Br', 'I'])}"
    return title, " ".join((*body, *_FILLING, formula, f"sample-{number % 100_000}"))
